// A provider that lies, is slow or goes on for ever, against the Worker in workerd: nobody gets in, and without the
// lie the same visitor does. The signatures are checked by the runtime's own cryptography.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startOrigin } from '../../demo/origin.mjs';
import { startKv } from './support/kv.mjs';
import { ALGORITHMS, CLIENT_ID, CLIENT_SECRET, PUBLIC_PEM, STRANGER, idToken, signatureOf, startLyingProvider, token } from './support/lying_provider.mjs';
import { Visitor } from './support/visitor.mjs';
import { startWorker } from './support/workerd.mjs';

const METADATA = '/.well-known/openid-configuration';

let provider;
let origin;
let kv;
let worker;
before(async () => {
  [provider, origin, kv] = await Promise.all([startLyingProvider(), startOrigin(), startKv()]);
  worker = await isolate();
});
after(() => Promise.all([worker, provider, origin, kv].map((part) => part?.close())));

/** A Worker that knows nothing of the provider yet. */
function isolate() {
  return startWorker({
    kv: kv.address,
    vars: { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_SECRET_KEY: 'secret-key-for-tests-only-0123456789abcdef', OIDC_ORIGIN: origin.url },
  });
}

/** Asks for a page, goes to the provider and comes back: the last answer of the Worker. */
async function signIn(visitor) {
  const start = await visitor.navigate('/oidc_login?next=/api/whoami');
  return start.status === 302 ? visitor.navigate(provider.authorize(start.headers.location)) : start;
}

async function assertSignsIn(at = worker) {
  const visitor = new Visitor(at.publicUrl);
  const answer = await signIn(visitor);
  assert.deepEqual([answer.status, answer.headers.location], [302, '/api/whoami'], answer.text);
  assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
}

/** With these lies there is no session, and the page says why by its code; without them there is one. */
async function assertRefused(lies, code, { at = worker, status = 502 } = {}) {
  const visitor = new Visitor(at.publicUrl);
  const [entries, forwarded] = [kv.entries.size, origin.requests.length];
  provider.lies = lies;
  const answer = await signIn(visitor).finally(() => (provider.lies = {}));
  assert.equal(answer.status, status, answer.text);
  assert.ok(answer.text.includes(code), `expected ${code}:\n${answer.text}`);
  assert.deepEqual(visitor.sessionCookies, []);
  assert.equal((await visitor.fetch('/api/whoami')).status, 401);
  assert.deepEqual([kv.entries.size, origin.requests.length], [entries, forwarded]);
}

/** For lies about what a Worker remembers: in an isolate of its own. */
async function assertRefusedAfresh(lies, code, options) {
  const fresh = await isolate();
  try {
    await assertRefused(lies, code, { ...options, at: fresh });
    await assertSignsIn(fresh);
  } finally {
    await fresh.close();
  }
}

const html = (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>');
const redirect = (response) => response.writeHead(302, { Location: `${provider.issuer}/elsewhere` }).end();
const huge = (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(`{"x":"${'x'.repeat(2 ** 21)}"}`);
/** Goes on for ever, with no length said beforehand. */
const endless = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const more = () => !response.destroyed && response.write(' '.repeat(65_536), () => setImmediate(more));
  more();
};
const slow = (response) => setTimeout(() => response.destroyed || response.writeHead(200).end('{}'), 12_000);

describe('an ID token of an announced algorithm signs in', () => {
  for (const alg of Object.keys(ALGORITHMS)) {
    test(alg, async () => {
      provider.alg = alg;
      await assertSignsIn().finally(() => (provider.alg = 'RS256'));
    });
    test(`${alg}, but one bit of the signature is another`, async () => {
      provider.alg = alg;
      const flipped = idToken.signed((input) => {
        const signature = signatureOf(alg, input);
        signature[9] ^= 1;
        return signature;
      });
      await assertRefused({ idToken: flipped }, 'id_token.bad_signature').finally(() => (provider.alg = 'RS256'));
    });
  }
});

describe('an ID token that lies is refused', () => {
  const lies = [
    ['unsigned', idToken.unsigned, 'id_token.algorithm'],
    ['alg none with a signature', idToken.header('alg', 'none'), 'id_token.algorithm'],
    ['HS256 keyed by the public key', idToken.keyedBy(PUBLIC_PEM), 'id_token.algorithm'],
    ['HS256 keyed by the client secret', idToken.keyedBy(CLIENT_SECRET), 'id_token.algorithm'],
    ['signed by a stranger', idToken.signed((input, alg) => signatureOf(alg, input, { key: STRANGER.privateKey })), 'id_token.bad_signature'],
    ['PSS under RS256', idToken.signed((input) => signatureOf('PS256', input)), 'id_token.bad_signature'],
    ['SHA-512 under RS256', idToken.signed((input) => signatureOf('RS512', input)), 'id_token.bad_signature'],
    ['PSS without salt', ({ claims }) => {
      const make = idToken.signed((input) => signatureOf('PS256', input, { saltLength: 0 }));
      return make({ alg: 'PS256', header: { alg: 'PS256', kid: 'rsa' }, claims });
    }, 'id_token.bad_signature'],
    ['ECDSA as DER', ({ claims }) => {
      const make = idToken.signed((input) => signatureOf('ES256', input, { dsaEncoding: 'der' }));
      return make({ alg: 'ES256', header: { alg: 'ES256', kid: 'p256' }, claims });
    }, 'id_token.bad_signature'],
    ['ECDSA of zeros, P-521', ({ claims }) => {
      const make = idToken.signed(() => Buffer.alloc(132));
      return make({ alg: 'ES512', header: { alg: 'ES512', kid: 'p521' }, claims });
    }, 'id_token.bad_signature'],
    ['ES512 with a key of P-256', ({ claims }) => token('ES256', { alg: 'ES512', kid: 'p256' }, claims), 'id_token.algorithm'],
    ['no signature', idToken.signed(() => ''), 'id_token.bad_signature'],
    ['another payload under the signature', idToken.swapped, 'id_token.bad_signature'],
    ['a kid that is not there', idToken.header('kid', 'other'), 'id_token.unknown_key'],
    ['its own key', ({ claims }) => token('ES256', { alg: 'ES256', kid: 'mine', jwk: ALGORITHMS.ES256.pair.publicKey.export({ format: 'jwk' }) }, claims), 'id_token.unknown_key'],
    ['crit', idToken.header('crit', ['exp']), 'id_token.refused_header_parameter'],
    ['an access token', idToken.header('typ', 'at+jwt'), 'id_token.wrong_type'],
    ['iss of another', idToken.claim('iss', 'https://evil.example'), 'id_token.issuer_mismatch'],
    ['no iss', idToken.without('iss'), 'id_token.claim_missing'],
    ['aud of another', idToken.claim('aud', 'another client'), 'id_token.audience_mismatch'],
    ['several aud and no azp', idToken.claim('aud', [CLIENT_ID, 'another client']), 'id_token.authorized_party'],
    ['no sub', idToken.without('sub'), 'id_token.claim_missing'],
    ['no iat', idToken.without('iat'), 'id_token.claim_missing'],
    ['iat tomorrow', idToken.claim('iat', 2 ** 40), 'id_token.issued_in_future'],
    ['exp long ago', idToken.claim('exp', 1_000_000_000), 'id_token.expired'],
    ['exp a text', idToken.claim('exp', '99999999999'), 'id_token.claim_type'],
    ['nonce of another', idToken.claim('nonce', 'other'), 'id_token.nonce_mismatch'],
    ['no nonce', idToken.without('nonce'), 'id_token.nonce_mismatch'],
    ['at_hash of another', idToken.claim('at_hash', 'AAAAAAAAAAAAAAAAAAAAAA'), 'id_token.at_hash_mismatch'],
    ['sub twice', idToken.payload((text) => text.replace('{', '{"sub":"admin",')), 'id_token.malformed_claims'],
    ['longer than 64 KiB', idToken.claim('x', 'x'.repeat(65_536)), 'id_token.too_long'],
  ];
  for (const [name, lie, code] of lies) {
    test(name, () => assertRefused({ idToken: lie }, code));
  }
  test('and the honest one is not', () => assertSignsIn());
});

describe('answers that are none', () => {
  const lies = [
    ['a token answer that is a page', { answer: { '/token': html } }, 'token.not_json'],
    ['a token answer that leads elsewhere', { answer: { '/token': redirect } }, 'token.unexpected_status'],
    ['a token answer of 2 MiB', { answer: { '/token': huge } }, 'token.too_large'],
    ['a token answer without end', { answer: { '/token': endless } }, 'token.too_large'],
    ['a token answer cut off', { answer: { '/token': (response) => response.destroy() } }, 'token.unreachable'],
    ['a token answer without ID token', { edit: { '/token': ({ id_token: _, ...rest }) => rest } }, 'token.no_id_token'],
    ['userinfo of another', { edit: { '/userinfo': () => ({ sub: 'mallory' }) } }, 'userinfo.subject_mismatch'],
    ['userinfo that leads elsewhere', { answer: { '/userinfo': redirect } }, 'userinfo.unexpected_status'],
    ['userinfo without end', { answer: { '/userinfo': endless } }, 'userinfo.too_large'],
  ];
  for (const [name, lie, code] of lies) {
    test(name, () => assertRefused(lie, code));
  }
  const remembered = [
    ['metadata of another issuer', { edit: { [METADATA]: (said) => ({ ...said, issuer: 'https://evil.example' }) } }, 'discovery.issuer_mismatch'],
    ['an endpoint without TLS', { edit: { [METADATA]: (said) => ({ ...said, token_endpoint: 'http://idp.example/token' }) } }, 'discovery.bad_endpoint'],
    ['metadata that lead elsewhere', { answer: { [METADATA]: redirect } }, 'discovery.unexpected_status'],
    ['metadata without end', { answer: { [METADATA]: endless } }, 'discovery.too_large'],
    ['keys that lead elsewhere', { answer: { '/jwks': redirect } }, 'jwks.unexpected_status'],
    ['keys of 2 MiB', { answer: { '/jwks': huge } }, 'jwks.too_large'],
    ['keys that are a page', { answer: { '/jwks': html } }, 'jwks.malformed'],
  ];
  for (const [name, lie, code] of remembered) {
    test(name, () => assertRefusedAfresh(lie, code));
  }
  test('nothing was followed', () => assert.ok(!provider.requests.includes('/elsewhere')));
});

describe('a provider that takes 12 seconds', () => {
  const cases = [
    ['for metadata', { answer: { [METADATA]: slow } }, 'discovery.timeout'],
    ['for tokens', { answer: { '/token': slow } }, 'token.timeout'],
  ];
  for (const [name, lie, code] of cases) {
    test(name, async () => {
      const fresh = await isolate();
      try {
        const started = Date.now();
        await assertRefused(lie, code, { at: fresh, status: 504 });
        const seconds = (Date.now() - started) / 1000;
        assert.ok(seconds > 9 && seconds < 12, `${seconds} s`);
        await assertSignsIn(fresh);
      } finally {
        await fresh.close();
      }
    });
  }
});

test('a flood of unknown keys makes one more request for the keys', async () => {
  const fresh = await isolate();
  try {
    await assertSignsIn(fresh);
    const before = provider.requests.filter((path) => path === '/jwks').length;
    for (let index = 0; index < 20; index += 1) {
      await assertRefused({ idToken: idToken.header('kid', `unknown-${index}`) }, 'id_token.unknown_key', { at: fresh });
    }
    assert.equal(provider.requests.filter((path) => path === '/jwks').length, before + 1);
    await assertSignsIn(fresh);
  } finally {
    await fresh.close();
  }
});
