// A client without a user: it gets access tokens for itself, plain or bound to what it holds (RFC 6749 §4.4, RFC 9449,
// RFC 8705).

import { createHash, generateKeyPairSync, randomUUID, sign, X509Certificate } from 'node:crypto';

const CLIENT = { client_id: 'machine', client_secret: 'machine-secret-for-tests-only' };
/** Where the client puts its certificate for the provider, which has no TLS of its own in tests. */
const CERTIFICATE = 'x-client-certificate';

/** The certificate of a client, as it stands in no chain; only its hash matters here. Made once, its key thrown away. */
export const certificate = new X509Certificate(`-----BEGIN CERTIFICATE-----
MIIBlzCCAT2gAwIBAgIUVsOuuOVBqTtTHsOOWUDUg9ZTWK0wCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVYSBjbGllbnQgb2YgdGhlIHRlc3RzMCAXDTI2MTEyNTIwMDU0
OFoYDzIxMjYxMTAxMjAwNTQ4WjAgMR4wHAYDVQQDDBVhIGNsaWVudCBvZiB0aGUg
dGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQZHQOt3DiY+mKJrMMZAWBv
4FZl5Smkpuez2SoCHbKtqamTH7oyGy6lfIfphiSX7iFIhmC8ZWKyoY5a7EWNxiZb
o1MwUTAdBgNVHQ4EFgQUdiH4daLkI30S8NEr+7mn2hTSiEUwHwYDVR0jBBgwFoAU
diH4daLkI30S8NEr+7mn2hTSiEUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNIADBFAiAV6sPbFmbGyhztA2dzz9bZNZA2YwKP9PaqSGCjGCRTNQIhAJpN0IAA
CNpiIAPG9aXdm5lQqmAeDVFkV6IUVHvQFsH4
-----END CERTIFICATE-----
`);

/** What the platform says of a connection that was made with it: `tlsClientAuth` of `request.cf`. */
export const presented = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0', certFingerprintSHA256: certificate.fingerprint256.replaceAll(':', '').toLowerCase() };

/**
 * A change of the provider's configuration: it has that client, and issues tokens of that format for every resource.
 * `boundToCertificate` binds them to the client's certificate.
 */
export function withMachine({ format, scope, boundToCertificate = false }) {
  return (configuration) => {
    configuration.scopes = ['openid', scope];
    configuration.clients.push({
      ...CLIENT,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      tls_client_certificate_bound_access_tokens: boundToCertificate,
    });
    Object.assign(configuration.features, {
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: (context) => (context.get(CERTIFICATE) ? certificate : undefined),
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({ scope, audience: resource, accessTokenFormat: format, jwt: { sign: { alg: 'ES256' } } }),
      },
    });
  };
}

/** Asks for a token for `resource`, bound to `key` or to the certificate where one is given. */
export async function getToken(issuer, { resource, scope, key, withCertificate = false }) {
  const endpoint = `${issuer}/token`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { ...(key && { DPoP: key.prove({ htm: 'POST', htu: endpoint }) }), ...(withCertificate && { [CERTIFICATE]: '1' }) },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope, ...CLIENT }),
  });
  const answer = await response.json();
  if (!answer.access_token) throw new Error(`no token: ${JSON.stringify(answer)}`);
  return answer;
}

/** A key to bind tokens to. `prove(claims, token)` makes a proof, with the claims of an honest one unless they are given. */
export function proofKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  return {
    prove: (claims, token) => {
      const ath = token && createHash('sha256').update(token).digest('base64url');
      const iat = Math.floor(Date.now() / 1000);
      const input = [{ typ: 'dpop+jwt', alg: 'ES256', jwk }, { jti: randomUUID(), iat, ath, ...claims }]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    },
  };
}
