// What a careful JavaScript Worker does with a JWT access token, and ours too: npm jose, keys kept between requests, the
// checks of RFC 9068 as far as the library has them, the scope.

import { createRemoteJWKSet, jwtVerify } from 'jose';
import { forwarded } from './careful.mjs';

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
    const identity = { 'X-Forwarded-User': claims.sub, 'X-Forwarded-Client-Id': claims.client_id, 'X-Forwarded-Scope': claims.scope };
    return forwarded(request, env.OIDC_ORIGIN, identity, ['Authorization']);
  },
};

function refusal(status, error) {
  return Response.json({ error }, { status, headers: { 'WWW-Authenticate': `Bearer error="${error}"`, 'Cache-Control': 'no-store' } });
}
