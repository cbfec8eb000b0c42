// What a careful JavaScript Worker does with a JWT access token: npm jose, keys kept between requests, the checks of
// RFC 9068 as far as the library has them, the scope, and three headers for the origin.

import { createRemoteJWKSet, jwtVerify } from 'jose';

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
    outgoing.headers.delete('Authorization');
    outgoing.headers.set('X-Forwarded-User', claims.sub);
    outgoing.headers.set('X-Forwarded-Client-Id', claims.client_id);
    outgoing.headers.set('X-Forwarded-Scope', claims.scope);
    return fetch(outgoing);
  },
};

function refusal(status, error) {
  return Response.json({ error }, { status, headers: { 'WWW-Authenticate': `Bearer error="${error}"`, 'Cache-Control': 'no-store' } });
}
