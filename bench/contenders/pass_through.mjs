// A Worker that does nothing at all but forward.

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    return fetch(new Request(env.OIDC_ORIGIN + url.pathname + url.search, request));
  },
};
