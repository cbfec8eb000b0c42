// What a careful Worker in JavaScript does between the check of who it is and the answer, and ours too: nothing that the
// client says of itself passes, the origin is told who asks and from where, and the answer is kept out of shared caches.

/** Whatever an origin might believe; `-` for every character that origins fold to it. */
const BELIEVED = /^(x-forwarded-|(forwarded|front-end-https|true-client-ip|x-client-ip|x-cluster-client-ip|x-original-(host|method|uri|url)|x-real-ip|x-rewrite-url|x-url-scheme)$)/;

/** Sends the request to `origin` with the headers of `identity` and without those named in `own`, and returns the answer. */
export async function forwarded(request, origin, identity, own) {
  const url = new URL(request.url);
  const outgoing = new Request(origin + url.pathname + url.search, request);
  for (const name of [...outgoing.headers.keys()]) {
    if (BELIEVED.test(name.replace(/[^a-z0-9]/g, '-'))) outgoing.headers.delete(name);
  }
  for (const name of own) outgoing.headers.delete(name);
  outgoing.headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
  outgoing.headers.set('X-Forwarded-Host', url.host);
  for (const [name, value] of Object.entries(identity)) outgoing.headers.set(name, value);
  const origins = await fetch(outgoing);
  const answer = new Response(origins.body, origins);
  answer.headers.set('Cache-Control', isPrivate(origins.headers.get('Cache-Control') ?? ''));
  for (const name of ['CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control', 'Surrogate-Control']) answer.headers.delete(name);
  return answer;
}

function isPrivate(cacheControl) {
  const kept = cacheControl.split(',').map((directive) => directive.trim()).filter((directive) => directive && !/^(public|s-maxage|private)\b/i.test(directive));
  return ['private', ...kept].join(', ');
}
