// What a careful JavaScript Worker does with a JWT access token, and ours too: npm jose, keys kept between requests, the
// checks of RFC 9068 as far as the library has them, the scope; nothing that the client says of itself passes, the origin
// is told who calls and from where, and the answer is kept out of shared caches.

import { createRemoteJWKSet, jwtVerify } from 'jose';

/** Whatever an origin might believe; `-` for every character that origins fold to it. */
const BELIEVED = /^(x-forwarded-|(forwarded|front-end-https|true-client-ip|x-client-ip|x-cluster-client-ip|x-original-(host|method|uri|url)|x-real-ip|x-rewrite-url|x-url-scheme)$)/;

let keys;

export default {
  async fetch(request, env) {
    keys ??= createRemoteJWKSet(new URL(env.JWKS));
    const [scheme, token] = (request.headers.get('Authorization') ?? '').split(' ');
    if (!/^bearer$/i.test(scheme) || !token) return refusal(401, 'invalid_token');
    let claims;
    try {
      const options = { issuer: env.OIDC_ISSUER, audience: env.AUDIENCE, typ: 'at+jwt', requiredClaims: ['exp', 'sub', 'client_id'], clockTolerance: 60 };
      claims = (await jwtVerify(token, keys, options)).payload;
    } catch {
      return refusal(401, 'invalid_token');
    }
    if (!(claims.scope ?? '').split(' ').includes('read')) return refusal(403, 'insufficient_scope');
    const url = new URL(request.url);
    const outgoing = new Request(env.OIDC_ORIGIN + url.pathname + url.search, request);
    for (const name of [...outgoing.headers.keys()]) {
      if (BELIEVED.test(name.replace(/[^a-z0-9]/g, '-'))) outgoing.headers.delete(name);
    }
    outgoing.headers.delete('Authorization');
    outgoing.headers.set('X-Forwarded-Proto', url.protocol.slice(0, -1));
    outgoing.headers.set('X-Forwarded-Host', url.host);
    outgoing.headers.set('X-Forwarded-User', claims.sub);
    outgoing.headers.set('X-Forwarded-Client-Id', claims.client_id);
    outgoing.headers.set('X-Forwarded-Scope', claims.scope);
    const origins = await fetch(outgoing);
    const answer = new Response(origins.body, origins);
    answer.headers.set('Cache-Control', isPrivate(origins.headers.get('Cache-Control') ?? ''));
    for (const name of ['CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control', 'Surrogate-Control']) answer.headers.delete(name);
    return answer;
  },
};

function isPrivate(cacheControl) {
  const kept = cacheControl.split(',').map((directive) => directive.trim()).filter((directive) => directive && !/^(public|s-maxage|private)\b/i.test(directive));
  return ['private', ...kept].join(', ');
}

function refusal(status, error) {
  return Response.json({ error }, { status, headers: { 'WWW-Authenticate': `Bearer error="${error}"`, 'Cache-Control': 'no-store' } });
}
