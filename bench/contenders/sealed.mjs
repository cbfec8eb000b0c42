// A careful Worker in JavaScript whose session is a JWE in a cookie, by npm jose and WebCrypto: opened and checked at each
// request. It has no sign-in, no store, no renewal and no sign-out.

import { jwtDecrypt } from 'jose';
import { forwarded } from './careful.mjs';

let key;

export default {
  async fetch(request, env) {
    key ??= await crypto.subtle.importKey('raw', Uint8Array.from(atob(env.KEY), (letter) => letter.charCodeAt(0)), 'AES-GCM', false, ['decrypt']);
    const cookies = (request.headers.get('Cookie') ?? '').split('; ');
    const sealed = cookies.find((cookie) => cookie.startsWith('session='))?.slice('session='.length);
    if (!sealed) return signIn();
    let claims;
    try {
      const options = { issuer: env.OIDC_ISSUER, requiredClaims: ['exp', 'sub'], keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
      claims = (await jwtDecrypt(sealed, key, options)).payload;
    } catch {
      return signIn();
    }
    const identity = { 'X-Forwarded-User': claims.sub, 'X-Forwarded-Email': claims.email, 'X-Forwarded-Name': claims.name, 'X-Forwarded-Groups': claims.groups.join(',') };
    return forwarded(request, env.OIDC_ORIGIN, identity, ['Cookie']);
  },
};

function signIn() {
  return new Response(null, { status: 302, headers: { Location: '/sign-in', 'Cache-Control': 'no-store' } });
}
