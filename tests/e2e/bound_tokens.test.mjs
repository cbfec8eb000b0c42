// Access tokens that are bound to what their client holds, as a certified provider issues them: a key (RFC 9449) or a
// certificate (RFC 8705). And what that provider says of tokens under its own signature (RFC 9701).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from './support/http.mjs';
import { getToken, presented, proofKey, withMachine } from './support/machine.mjs';
import { startStack } from './support/stack.mjs';

const AUDIENCE = 'https://api.example/';
const SCOPE = 'read';
const CF = 'x-request-cf';

/** A stack whose `/api/*` takes tokens, and `ask`, which goes there. */
async function startApi({ format, boundToCertificate, vars, client, configure = () => {}, onRequest }) {
  const machine = withMachine({ format, scope: SCOPE, boundToCertificate });
  const stack = await startStack({
    cf: CF,
    client,
    provider: {
      ...(onRequest && { onRequest }),
      configure: (configuration) => {
        machine(configuration);
        configure(configuration);
      },
    },
    vars: { OIDC_AUDIENCE: [AUDIENCE], OIDC_RESOURCE_CHECK_AUD: true, OIDC_RULES: [{ path: '/api/*', access: 'token', scopes: [SCOPE] }], ...vars },
  });
  return {
    ...stack,
    ask: (headers, target = '/api/whoami') => request({ port: stack.port, target, headers }),
    token: (options) => getToken(stack.provider.issuer, { resource: AUDIENCE, scope: SCOPE, ...options }),
  };
}

const FORMATS = [
  { name: 'a JWT', format: 'jwt', vars: { OIDC_ACCESS_TOKENS: 'jwt' } },
  { name: 'an introspected token', format: 'opaque', vars: { OIDC_ACCESS_TOKENS: 'introspection' } },
];

for (const { name, format, vars } of FORMATS) {
  describe(`${name} that is bound to a key`, () => {
    let api;
    const key = proofKey();
    before(async () => (api = await startApi({ format, vars })));
    after(() => api?.close());

    /** A proof for `GET /api/whoami`, but for the claims that are given. */
    const proof = (token, claims) => key.prove({ htm: 'GET', htu: `${api.publicUrl}/api/whoami`, ...claims }, token);

    test('is good with a proof, each proof once', async () => {
      const { access_token: token, token_type: type } = await api.token({ key });
      assert.equal(type, 'DPoP');
      const headers = { Authorization: `DPoP ${token}`, DPoP: proof(token) };
      assert.equal((await api.ask(headers)).status, 200);
      const again = await api.ask(headers);
      assert.equal(again.status, 401);
      assert.match(again.headers['www-authenticate'], /^DPoP .*error="invalid_dpop_proof".*algs="[^"]*ES256/);
      assert.equal((await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token) })).status, 200);
    });

    test('is refused without one', async () => {
      const { access_token: token } = await api.token({ key });
      for (const headers of [
        { Authorization: `Bearer ${token}` },
        { Authorization: `DPoP ${token}` },
        { Authorization: `Bearer ${token}`, DPoP: proof(token) },
      ]) {
        const answer = await api.ask(headers);
        assert.equal(answer.status, 401);
        assert.equal(answer.json().error, 'invalid_token');
        assert.match(answer.headers['www-authenticate'], /DPoP algs="[^"]*ES256/);
      }
    });

    test('is refused with the proof of another key, request or token', async () => {
      const { access_token: token } = await api.token({ key });
      for (const stranger of [
        proofKey().prove({ htm: 'GET', htu: `${api.publicUrl}/api/whoami` }, token),
        proof(token, { htm: 'POST' }),
        proof(token, { htu: `${api.publicUrl}/api/other` }),
        proof(token, { htu: 'https://api.example/api/whoami' }),
        proof('another token'),
        proof(token, { ath: undefined }),
      ]) {
        assert.equal((await api.ask({ Authorization: `DPoP ${token}`, DPoP: stranger })).status, 401);
      }
      assert.equal((await api.ask([['Authorization', `DPoP ${token}`], ['DPoP', proof(token)], ['DPoP', proof(token)]])).status, 401);
      assert.equal((await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token) })).status, 200);
    });

    test('is good for a client whose clock is wrong, with the nonce that it is given', async () => {
      const { access_token: token } = await api.token({ key });
      const iat = Math.floor(Date.now() / 1000) - 3600;
      const first = await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token, { iat }) });
      assert.equal(first.status, 401);
      assert.match(first.headers['www-authenticate'], /^DPoP .*error="use_dpop_nonce"/);
      const nonce = first.headers['dpop-nonce'];
      assert.equal((await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token, { iat, nonce }) })).status, 200);
      const made = await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token, { nonce: `${nonce.slice(0, -4)}AAAA` }) });
      assert.equal(made.status, 401);
    });

    test('a token that is bound to nothing is no DPoP token', async () => {
      const { access_token: token } = await api.token({});
      assert.equal((await api.ask({ Authorization: `DPoP ${token}`, DPoP: proof(token) })).status, 401);
      assert.equal((await api.ask({ Authorization: `Bearer ${token}` })).status, 200);
    });
  });

  describe(`${name} that is bound to a certificate`, () => {
    let api;
    before(async () => (api = await startApi({ format, vars, boundToCertificate: true })));
    after(() => api?.close());

    test('is good on a connection that was made with it, and on no other', async () => {
      const { access_token: token } = await api.token({ withCertificate: true });
      const ask = (tlsClientAuth) => api.ask({ Authorization: `Bearer ${token}`, ...(tlsClientAuth && { [CF]: JSON.stringify({ tlsClientAuth }) }) });
      assert.equal((await ask(presented)).status, 200);
      for (const other of [
        undefined,
        { ...presented, certFingerprintSHA256: `00${presented.certFingerprintSHA256.slice(2)}` },
        { ...presented, certFingerprintSHA256: '' },
        { ...presented, certVerified: 'FAILED:unable to get local issuer certificate' },
        { ...presented, certVerified: 'NONE' },
        { ...presented, certPresented: '0' },
        { ...presented, certRevoked: '1' },
      ]) {
        const answer = await ask(other);
        assert.equal(answer.status, 401, JSON.stringify(other));
        assert.equal(answer.json().error, 'invalid_token');
      }
    });
  });
}

describe('a provider that signs what it says of tokens', () => {
  let api;
  const answers = [];
  before(async () => {
    api = await startApi({
      format: 'opaque',
      vars: { OIDC_ACCESS_TOKENS: 'introspection' },
      client: { introspection_signed_response_alg: 'ES256' },
      configure: (configuration) => Object.assign(configuration.features, { jwtIntrospection: { enabled: true } }),
      onRequest: (request, response) => {
        if (request.url.endsWith('/introspection')) response.on('finish', () => answers.push({ accept: request.headers.accept, type: response.getHeader('content-type') }));
      },
    });
  });
  after(() => api?.close());

  test('is asked to, and believed', async () => {
    const { access_token: token } = await api.token({});
    const answer = await api.ask({ Authorization: `Bearer ${token}` });
    assert.equal(answer.status, 200);
    assert.equal((await api.ask({ Authorization: `Bearer ${token}x` })).status, 401);
    assert.equal(answers.length, 2);
    for (const { accept, type } of answers) {
      assert.match(accept, /^application\/token-introspection\+jwt/);
      assert.match(type, /^application\/token-introspection\+jwt/);
    }
  });
});
