// The examples that are Workers around the library, each in workerd with a real sign-in.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ACCOUNTS } from '../../demo/provider.mjs';
import { built, devExample, signsOut, withExample } from './support/example.mjs';
import { accessToken } from './support/stack.mjs';

withExample('hello', {}, (stack) => {
  test('says who is there, and sends to the provider who has to sign in', async () => {
    const visitor = stack().visitor();
    const index = await visitor.navigate('/');
    assert.deepEqual([index.status, index.text], [200, 'Not logged in']);
    assert.equal(index.setCookies.length, 0, 'nobody is tracked for looking');
    assert.equal(index.headers['cache-control'], undefined, 'the answer is the Worker’s own');

    const page = await visitor.signIn('/login');
    assert.deepEqual([page.status, page.text], [200, 'Hello, alice@example.com!']);
    assert.equal(new URL(page.url).pathname, '/login');
    const known = await visitor.navigate('/');
    assert.equal(known.text, 'Welcome alice@example.com');
    assert.equal(known.headers['cache-control'], 'private');
  });

  test('has a token for the provider’s API', async () => {
    const visitor = stack().visitor();
    const page = await visitor.signIn('/api');
    assert.equal(page.status, 200);
    assert.deepEqual(JSON.parse(page.text), { groups: ['staff', 'admins'] });
  });

  test('tells scripts, answers for the library, and refuses what nobody could read in one way', async () => {
    const visitor = stack().visitor();
    const told = await visitor.fetch('/login');
    assert.equal(told.status, 401);
    assert.deepEqual(JSON.parse(told.text), { error: 'login_required', login_url: '/oidc_login?next=%2Flogin' });
    assert.equal((await visitor.fetch('/oidc_health')).text, '{"status":"ok"}');
    assert.equal((await visitor.navigate('/nothing')).status, 404, 'the Worker’s own');
    assert.equal((await visitor.navigate('/a%2fb')).status, 400);
  });

  test('signs out here and at the provider', () => signsOut(stack()));
});

withExample('hello', { vars: { OIDC_SECRET_KEY: 'short' } }, (stack) => {
  test('says in the log, and not to visitors, what is wrong with its settings', async () => {
    const answer = await stack().visitor().navigate('/');
    assert.equal(answer.status, 500);
    assert.ok(!answer.text.includes('OIDC_'), answer.text);
    assert.match(stack().worker.log(), /OIDC_SECRET_KEY/);
  });
});

withExample('custom-state', {}, (stack) => {
  test('what a visitor was about to do comes back with the visitor', async () => {
    const visitor = stack().visitor();
    const sent = await visitor.navigate('/order?item=cheese&amount=3');
    assert.equal(sent.status, 302);
    assert.ok(!sent.headers.location.includes('cheese') && !sent.setCookies.join().includes('cheese'), 'sealed');
    const done = await visitor.signIn('/order?item=cheese&amount=3');
    assert.deepEqual([done.status, done.text], [200, '3 cheese for alice']);
    assert.equal(visitor.sessionCookies.length, 1, 'and is signed in');
    assert.equal((await visitor.navigate(done.url)).status, 400, 'once');
  });
});

// By the entry around it, which tells those who wait, or as worker-build makes it, where the runtime does.
for (const main of ['entry.js', 'index.js']) {
  withExample('custom-state', { modules: { [main]: 'esModule', 'index_bg.wasm': 'wasm' } }, (stack) => {
    test(`a panic costs those who wait at that moment, and nothing that comes after it (${main})`, async () => {
      const visitor = stack().visitor();
      await visitor.signIn('/order?item=cheese&amount=3');
      const other = stack().visitor();
      const callback = await other.callbackUrl('/order?item=wine&amount=1', 'bob');
      for (let n = 0; n < 3; n += 1) {
        const [page, told] = [await visitor.navigate('/phone'), await visitor.fetch('/phone')];
        assert.deepEqual([page.status, told.status], [500, 500]);
        if (main === 'entry.js') {
          assert.match(page.text, /^<!doctype html>\n<html lang="en">[^]*host\.internal/);
          assert.equal(told.json().error, 'host.internal');
          assert.deepEqual([page.headers['cache-control'], told.headers['cache-control']], ['no-store', 'no-store']);
        }
        const next = await visitor.navigate('/');
        assert.deepEqual([next.status, next.headers['cache-control']], [200, 'private'], 'the session stands, and answers are judged');
      }
      const done = await other.navigate(callback);
      assert.deepEqual([done.text, other.sessionCookies.length], ['1 wine for bob', 1], 'a sign-in that was begun is finished');
      assert.match(stack().worker.log(), /panicked at .*custom-state/, 'the log says where');
    });
  });
}

const stranger = { password: 'stranger', claims: { sub: 'stranger' } };

withExample('hello', { provider: { accounts: { ...ACCOUNTS, stranger } } }, (stack) => {
  test('greets one of whom the provider says nothing', async () => {
    const visitor = stack().visitor();
    assert.equal((await visitor.signIn('/login', 'stranger')).text, 'Hello, stranger!');
    assert.equal((await visitor.navigate('/')).text, 'Welcome stranger');
  });
});

const ROLES = {
  ...ACCOUNTS,
  alice: { ...ACCOUNTS.alice, claims: { ...ACCOUNTS.alice.claims, resource_access: { newspaper: { roles: ['editor', 'writer'] } } } },
};
const provider = { accounts: ROLES, configure: ({ claims }) => claims.profile.push('resource_access') };

withExample('keycloak', { provider }, (stack) => {
  test('lets those in who have the role', async () => {
    const page = await stack().visitor().signIn('/editors');
    assert.deepEqual([page.status, page.text], [200, 'alice edits']);
    const bob = stack().visitor();
    assert.equal((await bob.signIn('/editors', 'bob')).status, 403);
    assert.equal((await bob.navigate('/staff')).text, 'bob is staff');
    assert.equal((await stack().visitor().signIn('/staff', 'carol')).status, 403);
  });
});

const mallory = { password: 'mallory', claims: { ...ACCOUNTS.bob.claims, sub: 'mallory', email: 'mallory@example.com' } };

withExample('guard-with-hook', { provider: { accounts: { ...ACCOUNTS, mallory } } }, (stack) => {
  test('changes what the origin is told, and decides', async () => {
    const visitor = stack().visitor();
    const page = await visitor.signIn('/echo');
    assert.equal(page.status, 200, 'without rules everything needs a sign-in');
    const echoed = JSON.parse((await visitor.fetch('/echo', { headers: { 'X-Team': 'spoofed' } })).text);
    const headers = Object.fromEntries(echoed.headers.map(([name, value]) => [name.toLowerCase(), value]));
    assert.equal(headers['x-forwarded-user'], 'alice');
    assert.equal(headers['x-forwarded-groups'], 'staff,admins,seen-at-the-edge');
    assert.equal(headers['x-team'], 'blue');
    assert.equal((await stack().visitor().signIn('/echo', 'mallory')).status, 403);
    assert.equal((await stack().visitor().fetch('/echo')).status, 401);
  });
});

withExample('api', {}, (stack) => {
  const ask = (target, token) => stack().visitor().fetch(target, { headers: token && { Authorization: `Bearer ${token}` } });

  test('greets who brings a token, and challenges who does not', async () => {
    const token = await accessToken(stack(), 'openid');
    const greeted = await ask('/api', token);
    assert.deepEqual([greeted.status, greeted.text], [200, '{"hello":"alice"}']);
    const missing = await ask('/api');
    assert.equal(missing.status, 401);
    const [, metadata] = missing.headers['www-authenticate'].match(/^Bearer realm=.*scope="openid", resource_metadata="([^"]+)"$/);
    const document = await stack().visitor().fetch(metadata);
    assert.equal(document.status, 200);
    assert.deepEqual(JSON.parse(document.text).authorization_servers, [stack().provider.issuer]);
    assert.deepEqual(JSON.parse(missing.text), { error: 'invalid_token', error_description: 'Token required but invalid' });
    assert.match((await ask('/api', 'made-up')).headers['www-authenticate'], /error="invalid_token"/);
    const short = await ask('/api', await accessToken(stack(), 'email'));
    assert.equal(short.status, 403);
    assert.match(short.headers['www-authenticate'], /error="insufficient_scope"/);
  });

  test('lets those in without a token where none is required', async () => {
    assert.equal((await ask('/api/open')).text, '{"hello":null}');
    assert.equal((await ask('/api/open', await accessToken(stack(), 'openid'))).text, '{"hello":"alice"}');
    assert.equal((await ask('/api/open', 'made-up')).status, 401);
  });
});

describe('examples/own-store', () => {
  let example;
  let visitor;
  before(async () => {
    example = await devExample('own-store', { database: 'credentials', vars: { TRY_STORE: 'yes' } });
    visitor = example.visitor();
  });
  after(() => example?.close());

  test('keeps the contract of stores', async () => {
    const told = await visitor.fetch('/contract');
    assert.deepEqual([told.status, told.text], [200, 'the contract is kept']);
  });

  test('has in its database what it knows of a visitor', async () => {
    const page = await visitor.signIn('/');
    assert.equal(page.status, 200);
    assert.match(page.text, /^alice, of whom the database knows \d+ claims$/);
    assert.equal((await visitor.fetch('/me')).text, 'alice', 'by a Router');
    assert.equal((await visitor.fetch('/nothing')).status, 404);
  });
});

describe('examples/hello with the Durable Objects of a deployed guard', () => {
  const OBJECTS = `
[[durable_objects.bindings]]
name = "OIDC_SESSIONS"
class_name = "SessionVault"
script_name = "edge-oidc"
`;
  let example;
  before(async () => {
    const edit = (text) => text.replace(/^\[\[kv_namespaces\]\]\n.*$/m, OBJECTS);
    // The guard by its own file, with what stands there for this store.
    const guard = built('.').replace(/^# (?=\[\[durable_objects|name = "OIDC_SESSIONS"|class_name|\[\[migrations|tag =|new_sqlite_classes)/gm, '');
    example = await devExample('hello', { edit, beside: [guard] });
  });
  after(() => example?.close());

  test('keeps tokens and sessions there', async () => {
    const [laptop, phone] = [example.visitor(), example.visitor()];
    for (const visitor of [laptop, phone]) assert.equal((await visitor.signIn('/login')).text, 'Hello, alice@example.com!');
    assert.deepEqual(JSON.parse((await laptop.fetch('/api')).text), {}, 'by a token of the session');
    // Only they keep lists of sessions.
    const listed = async () => (await laptop.navigate('/oidc_account')).text.split('<li>').length - 1;
    assert.equal(await listed(), 1);
    await phone.open('/logout');
    assert.equal(await listed(), 0);
  });
});
