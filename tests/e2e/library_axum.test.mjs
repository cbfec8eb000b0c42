// A Worker whose router is axum's, in workerd with a real sign-in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { signsOut, withExample } from './support/example.mjs';
import { getToken, presented, proofKey, withMachine } from './support/machine.mjs';
import { accessToken } from './support/stack.mjs';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

const vars = {
  OIDC_BEARER_LOCATIONS: ['header', 'form'],
  OIDC_RULES: [{ path: '/staff/*', access: 'login' }, { path: '/closed', access: 'deny' }],
};

withExample('axum', { vars }, (stack) => {
  const ask = (target, token, options = {}) =>
    stack().visitor().fetch(target, { ...options, headers: { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) } });

  test('extractors say who is there, or send to the provider', async () => {
    const visitor = stack().visitor();
    const index = await visitor.navigate('/');
    assert.deepEqual([index.status, index.text, index.setCookies.length], [200, 'Not logged in', 0]);
    const sent = await visitor.navigate('/login');
    assert.equal(sent.status, 302);
    assert.ok(sent.headers.location.startsWith(stack().provider.issuer), sent.headers.location);
    assert.equal(sent.setCookies.length, 1, 'the cookie of the sign-in');

    const page = await visitor.signIn('/login?x=%C3%A9');
    assert.deepEqual([page.status, page.text], [200, 'Hello, alice!']);
    assert.equal(new URL(page.url).pathname + new URL(page.url).search, '/login?x=%C3%A9');
    const known = await visitor.navigate('/');
    assert.equal(known.text, 'Welcome alice@example.com');
    assert.equal(known.headers['cache-control'], 'private');
    assert.equal((await visitor.fetch('/token')).text, '["staff","admins"]', 'by an access token of the session');
  });

  test('tells scripts, answers for the library, and leaves the rest to the router', async () => {
    const visitor = stack().visitor();
    const told = await visitor.fetch('/login');
    assert.equal(told.status, 401);
    assert.deepEqual(JSON.parse(told.text), { error: 'login_required', login_url: '/oidc_login?next=%2Flogin' });
    assert.equal((await visitor.fetch('/oidc_health')).text, '{"status":"ok"}');
    assert.equal((await visitor.fetch('/nothing')).status, 404);
    assert.equal((await visitor.fetch('/login', { method: 'DELETE' })).status, 405);
    assert.equal((await visitor.navigate('/a%2fb')).status, 400);
    assert.equal((await visitor.navigate('/closed')).status, 403, 'by a rule');
  });

  test('bodies come to the handlers whole', async () => {
    const visitor = stack().visitor();
    assert.equal((await visitor.fetch('/notes', { method: 'POST', body: 'x' })).status, 401);
    await visitor.signIn('/login');
    const long = 'long '.repeat(40_000);
    assert.equal((await visitor.fetch('/notes', { method: 'POST', body: long })).text, `alice notes: ${long}`);
    assert.equal((await visitor.fetch('/notes', { method: 'POST' })).text, 'alice notes: ');
  });

  test('a rule holds for the whole path of a nested route', async () => {
    assert.equal((await stack().visitor().navigate('/staff/page')).status, 302);
    assert.equal((await stack().visitor().fetch('/staff/page')).status, 401);
    const page = await stack().visitor().signIn('/staff/page');
    assert.deepEqual([page.status, page.text, new URL(page.url).pathname], [200, 'alice is staff', '/staff/page']);
    assert.equal((await stack().visitor().signIn('/staff/page', 'carol')).status, 403);
  });

  test('signs out here and at the provider', () => signsOut(stack()));

  test('a form of the library’s own is read', async () => {
    const visitor = stack().visitor();
    await visitor.signIn('/login');
    const send = (next) => visitor.fetch('/oidc_logout', { method: 'POST', body: `next=${next}`, headers: FORM });
    assert.equal((await send('%2F'.repeat(30_000))).status, 413);
    const signedOut = await send('%2F');
    assert.equal(signedOut.status, 302);
    assert.equal(visitor.sessionCookies.length, 0);
  });

  test('callers bring tokens with the scopes that a type names', async () => {
    const token = await accessToken(stack(), 'openid');
    assert.equal((await ask('/api', token)).text, 'hello alice');
    const missing = await ask('/api');
    assert.equal(missing.status, 401);
    assert.match(missing.headers['www-authenticate'], /^Bearer realm=.*scope="openid"/);
    assert.match((await ask('/api', 'made-up')).headers['www-authenticate'], /error="invalid_token"/);
    const short = await ask('/api', await accessToken(stack(), 'email'));
    assert.equal(short.status, 403);
    assert.match(short.headers['www-authenticate'], /error="insufficient_scope", .*scope="openid"/);
    assert.equal((await ask('/api/open')).text, 'hello whoever you are');
    assert.equal((await ask('/api/open', token)).text, 'hello alice');
    assert.equal((await ask('/api/open', 'made-up')).status, 401);
    assert.equal((await ask('/api/open', token)).setCookies.length, 0);
  });

  test('a form with a token in it comes to the handler whole', async () => {
    const form = (token) => `access_token=${token}&about=cheese`;
    const send = (token) => ask('/api/notes', undefined, { method: 'POST', body: form(token), headers: FORM });
    const token = await accessToken(stack(), 'openid');
    assert.equal((await send(token)).text, `alice notes: ${form(token)}`);
    assert.equal((await send('made-up')).status, 401);
  });

  test('a route outside the layer refuses, and the log says why', async () => {
    const answer = await stack().visitor().fetch('/outside');
    assert.equal(answer.status, 500);
    assert.ok(!answer.text.includes('layer'), answer.text);
    const why = /an extractor of edge-oidc stands in a route without its layer: add/;
    for (let tries = 0; tries < 250 && !why.test(stack().worker.log()); tries += 1) await sleep(20);
    assert.match(stack().worker.log(), why);
  });
});

const AUDIENCE = 'https://api.example/';
const CF = 'x-request-cf';
const configure = withMachine({ format: 'jwt', scope: 'read', boundToCertificate: true });

withExample('axum', { provider: { configure }, vars: { OIDC_ACCESS_TOKENS: 'jwt', OIDC_AUDIENCE: [AUDIENCE] }, cf: CF }, (stack) => {
  test('what the platform says of a connection counts', async () => {
    const { access_token: token } = await getToken(stack().provider.issuer, { resource: AUDIENCE, scope: 'read', withCertificate: true });
    const ask = (tlsClientAuth) => stack().visitor().fetch('/api/open', { headers: { Authorization: `Bearer ${token}`, [CF]: JSON.stringify({ tlsClientAuth }) } });
    assert.equal((await ask(presented)).status, 200);
    assert.equal((await ask({ ...presented, certFingerprintSHA256: '0'.repeat(64) })).status, 401);
    assert.equal((await ask(undefined)).status, 401);
  });
});

const machine = withMachine({ format: 'jwt', scope: 'openid' });
const ofTokens = { OIDC_ACCESS_TOKENS: 'jwt', OIDC_AUDIENCE: [AUDIENCE], OIDC_RULES: [{ path: '/inner/*', access: 'token' }] };

withExample('axum', { provider: { configure: machine }, vars: ofTokens }, (stack) => {
  test('nested layers judge a request once, and so does an extractor after a rule', async () => {
    const key = proofKey();
    const { access_token: token } = await getToken(stack().provider.issuer, { resource: AUDIENCE, scope: 'openid', key });
    for (const target of ['/inner/api', '/api']) {
      const proof = key.prove({ htm: 'GET', htu: `${stack().publicUrl}${target}` }, token);
      const ask = () => stack().visitor().fetch(target, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } });
      const answer = await ask();
      assert.deepEqual([answer.status, answer.text, answer.headers['cache-control']], [200, 'hello machine', 'private'], target);
      assert.match((await ask()).headers['www-authenticate'], /error="invalid_dpop_proof"/, 'a proof counts once');
    }
  });
});
