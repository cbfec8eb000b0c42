// The proof to the origin, as an origin checks it: the one of examples/origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startOrigin } from '../../examples/origin/server.mjs';
import { createVerifier } from '../../examples/origin/verify.mjs';
import { rawRequest, request } from './support/http.mjs';
import { startStack } from './support/stack.mjs';
import { freePort } from './support/workerd.mjs';

const RULES = [{ path: '/public/*', access: 'public' }, { path: '/*', access: 'login' }];

async function makeKey(kid, algorithm) {
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  return { ...(await crypto.subtle.exportKey('jwk', privateKey)), kid };
}
const es256 = (kid) => makeKey(kid, { name: 'ECDSA', namedCurve: 'P-256' });
const ed25519 = (kid) => makeKey(kid, { name: 'Ed25519' });

/** The Worker in front of the example, which learns where the Worker is once that is known. */
async function start({ assertion, keys, signed = false }) {
  const originPort = await freePort();
  const audience = `http://127.0.0.1:${originPort}`;
  const stack = await startStack({ vars: { OIDC_RULES: RULES, OIDC_ORIGIN: audience, OIDC_ASSERTION: assertion, OIDC_ASSERTION_KEY: JSON.stringify(keys) } });
  const server = await startOrigin({ worker: stack.publicUrl, audience, signed, port: originPort });
  const visitor = stack.visitor();
  return {
    stack, audience, originPort, visitor,
    close: () => Promise.all([stack.close(), new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); })]),
  };
}

for (const [alg, make] of [['ES256', es256], ['EdDSA', ed25519]]) {
  describe(`an assertion under ${alg}`, () => {
    let site;
    before(async () => {
      site = await start({ assertion: { alg }, keys: [await make('new'), await es256('old')] });
    });
    after(() => site?.close());

    test('tells the origin who is asking, request after request', async () => {
      const page = await site.visitor.signIn('/private/?a=b');
      assert.deepEqual(page.json(), { sub: 'alice' });
      for (const method of ['GET', 'POST', 'PROPFIND']) {
        const answer = await site.visitor.send('/a%20b/%7e?c=%2f', { method });
        assert.deepEqual(answer.json(), { sub: 'alice' }, method);
      }
    });

    test('is missing from what did not come through the Worker, and from public paths', async () => {
      const direct = await request({ port: site.originPort, target: '/private/', headers: { 'X-Forwarded-User': 'alice' } });
      assert.equal(direct.status, 401);
      assert.equal((await site.stack.visitor().send('/public/')).status, 401);
    });

    test('is published with the keys it may be replaced by, without their private parts', async () => {
      const { status, headers, json } = await site.stack.visitor().send('/oidc_jwks');
      assert.equal(status, 200);
      assert.match(headers['content-type'], /json/);
      assert.deepEqual(json().keys.map(({ kid, use, d }) => ({ kid, use, d })), [{ kid: 'new', use: 'sig', d: undefined }, { kid: 'old', use: 'sig', d: undefined }]);
    });
  });
}

describe('a signed request', () => {
  let site;
  before(async () => {
    site = await start({ assertion: { alg: 'EdDSA', signature: true }, keys: [await ed25519('k')], signed: true });
  });
  after(() => site?.close());

  test('is proven whoever asks, public paths included', async () => {
    assert.deepEqual((await site.visitor.send('/public/x?y')).json(), { sub: null });
    assert.deepEqual((await site.visitor.signIn('/private/')).json(), { sub: 'alice' });
    assert.deepEqual((await site.visitor.send('/a?b=%2f', { method: 'PUT', body: 'x' })).json(), { sub: 'alice' });
  });

  test('is proven with a query that the platform encodes on the way', async () => {
    for (const method of ['GET', 'PUT']) {
      assert.deepEqual((await site.visitor.send("/it's?$filter=name eq 'x'".replaceAll(' ', '+'), { method })).json(), { sub: 'alice' });
    }
    const answer = await rawRequest(site.stack.port, `GET /public/x?q=caf\u00e9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.equal(answer.status, 200, answer.body);
  });

  test('is not believed when it came another way', async () => {
    const answer = await request({ port: site.originPort, target: '/public/x', headers: { Signature: 'edge-oidc=:AAAA:', 'Signature-Input': 'edge-oidc=("@method");created=1' } });
    assert.equal(answer.status, 401);
  });
});

describe('the example', () => {
  let site;
  let captured;
  let verifier;
  before(async () => {
    const stack = await startStack({ vars: { OIDC_RULES: RULES, OIDC_ASSERTION: { signature: true }, OIDC_ASSERTION_KEY: JSON.stringify(await es256('k')) } });
    const visitor = stack.visitor();
    await visitor.signIn('/private/');
    const { headers, target } = (await visitor.send('/echo/a?b=c')).json();
    captured = () => ({ method: 'GET', url: `${stack.origin.url}${target}`, headers: new Headers(headers) });
    verifier = () => createVerifier({ worker: stack.publicUrl, audience: stack.origin.url });
    site = stack;
  });
  after(() => site?.close());

  test('takes what the Worker sent, once', async () => {
    const once = verifier();
    assert.equal((await once.assertion(captured())).sub, 'alice');
    assert.ok((await once.message(captured())).includes('x-forwarded-user'));
    await assert.rejects(once.assertion(captured()), /used/);
    await assert.rejects(once.message(captured()), /before/);
  });

  const changes = [
    ['another method', (asked) => ({ ...asked, method: 'DELETE' }), true, true],
    ['another path', (asked) => ({ ...asked, url: asked.url.replace('/a', '/b') }), true, true],
    ['another query', (asked) => ({ ...asked, url: asked.url.replace('b=c', 'b=d') }), false, true],
    ['another user', (asked) => asked.headers.set('x-forwarded-user', 'mallory'), false, true],
    ['one more user', (asked) => asked.headers.append('x-forwarded-user', 'mallory'), false, true],
    ['another host', (asked) => ({ ...asked, url: asked.url.replace('127.0.0.1', 'localhost') }), true, true],
    ['a header that is gone', (asked) => asked.headers.delete('x-forwarded-email'), false, true],
    ['other claims', (asked) => {
      const [head, , signature] = asked.headers.get('x-forwarded-assertion').split('.');
      asked.headers.set('x-forwarded-assertion', [head, Buffer.from('{"sub":"mallory"}').toString('base64url'), signature].join('.'));
    }, true, true],
    ['no signature at all', (asked) => ['x-forwarded-assertion', 'signature'].forEach((name) => asked.headers.delete(name)), true, true],
  ];
  for (const [name, change, breaksAssertion, breaksSignature] of changes) {
    test(`sees ${name}`, async () => {
      const changed = () => {
        const asked = captured();
        return change(asked)?.url ? change(asked) : asked;
      };
      const outcome = (checked) => checked.then(() => false, () => true);
      assert.equal(await outcome(verifier().assertion(changed())), breaksAssertion, 'the assertion');
      assert.equal(await outcome(verifier().message(changed())), breaksSignature, 'the signature');
    });
  }

  test('takes nothing of another site or for another origin', async () => {
    const { origin } = new URL(captured().url);
    const keys = { fetch: () => fetch(`${site.publicUrl}/oidc_jwks`) };
    await assert.rejects(createVerifier({ worker: 'https://other.example', audience: origin, ...keys }).assertion(captured()), /another site/);
    await assert.rejects(createVerifier({ worker: site.publicUrl, audience: 'https://other.example' }).assertion(captured()), /somebody else/);
  });
});
