// The least that a Worker in front of an origin can do: three headers set, the request forwarded. Nobody is checked.

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    const outgoing = new Request(env.OIDC_ORIGIN + url.pathname + url.search, request);
    outgoing.headers.set('X-Forwarded-User', 'alice');
    outgoing.headers.set('X-Forwarded-Email', 'alice@example.com');
    outgoing.headers.set('X-Forwarded-Name', 'Alice');
    return fetch(outgoing);
  },
};
