// The strongly consistent store, Durable Objects in workerd: contract §6.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const SAME_ORIGIN = { 'Sec-Fetch-Site': 'same-origin' };

/** How long an ID token lives, in seconds; read at each issue. */
const lives = { seconds: 3600 };

let stack;
before(async () => {
  stack = await startStack({
    durable: true,
    vars: { OIDC_SESSION_CHECK_INTERVAL: 0, OIDC_CLOCK_SKEW: 0 },
    provider: {
      configure: (configuration) => {
        configuration.ttl.IdToken = () => lives.seconds;
        configuration.rotateRefreshToken = true;
      },
    },
  });
});
after(() => stack?.close());

async function signedIn(name = 'alice') {
  const visitor = stack.visitor();
  assert.equal((await visitor.signIn('/api/whoami', name)).json().user, name);
  return visitor;
}

const cookieOf = (visitor) => Object.entries(visitor.cookies).map(([name, value]) => `${name}=${value}`).join('; ');

/** Asks with a copied cookie, here or at the other isolate. */
const askWith = (cookie, port = stack.port) =>
  request({ port, target: '/api/whoami', headers: { Host: `localhost:${port}`, Accept: 'application/json', Cookie: cookie } });

describe('with Durable Objects', () => {
  test('a visitor signs in, is known to every isolate, and nothing stands in KV', async () => {
    const visitor = await signedIn();
    for (const port of [stack.port, stack.worker.twinPort]) {
      assert.equal((await askWith(cookieOf(visitor), port)).json().user, 'alice');
    }
    assert.deepEqual(stack.kv.operations, []);
    const claims = await visitor.fetch('/oidc_userinfo');
    assert.equal(claims.json().email, 'alice@example.com');
  });

  // The runtime puts objects away after 10 s, and what they hold must not depend on that.
  test('a session that nobody has asked for a while is renewed', async () => {
    lives.seconds = 5;
    const visitor = await signedIn();
    lives.seconds = 3600;
    await sleep(13_000);
    assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
  });

  test('a copied cookie is dead at once after signing out, in the other isolate too', async () => {
    const visitor = await signedIn();
    const copy = cookieOf(visitor);
    assert.equal((await askWith(copy, stack.worker.twinPort)).status, 200);
    const answer = await visitor.navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.equal(answer.status, 302);
    assert.ok(new URL(answer.headers.location).searchParams.get('id_token_hint'), 'the store had its tokens');
    assert.equal(answer.headers['clear-site-data'], '"cache"');
    assert.equal((await askWith(copy, stack.worker.twinPort)).status, 401);
    assert.equal((await askWith(copy)).status, 401);
  });

  test('everywhere=1 ends the other sessions of the visitor and nobody else’s', async () => {
    const [laptop, phone, bob] = [await signedIn(), await signedIn(), await signedIn('bob')];
    await laptop.navigate('/oidc_logout?everywhere=1', { headers: SAME_ORIGIN });
    assert.equal((await askWith(cookieOf(phone), stack.worker.twinPort)).status, 200, 'a link is not enough');
    const tablet = await signedIn();
    await tablet.navigate('/oidc_logout', {
      method: 'POST',
      headers: { ...SAME_ORIGIN, Origin: stack.publicUrl, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'everywhere=1',
    });
    for (const port of [stack.port, stack.worker.twinPort]) {
      assert.equal((await askWith(cookieOf(phone), port)).status, 401);
      assert.equal((await askWith(cookieOf(bob), port)).status, 200);
    }
    const again = await signedIn();
    assert.equal((await again.fetch('/api/whoami')).status, 200, 'signed in within the same second, perhaps');
  });

  test('the account page lists the other sessions of the visitor, as long as they last', async () => {
    const listed = async (visitor) => (await visitor.navigate('/oidc_account')).text.split('<li>').length - 1;
    const [laptop, phone] = [await signedIn('carol'), await signedIn('carol')];
    assert.deepEqual([await listed(laptop), await listed(phone)], [1, 1]);
    await signedIn('bob');
    assert.equal(await listed(laptop), 1, 'others are nobody’s business');
    await phone.navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.equal(await listed(laptop), 0);
    assert.match((await laptop.navigate('/oidc_account')).text, /nowhere else/);
  });

  test('50 parallel requests over an expired token cause one refresh and 50 answers', async () => {
    lives.seconds = 2;
    const visitor = await signedIn();
    const cookie = cookieOf(visitor);
    lives.seconds = 3600;
    await sleep(2500);
    const before = stack.grants.length;
    const ports = [stack.port, stack.worker.twinPort];
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => askWith(cookie, ports[index % 2])));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.deepEqual([...new Set(answers.map((answer) => answer.json().user))], ['alice']);
    assert.ok(answers.every(({ setCookies }) => setCookies.length > 0), 'each brings the renewed cookie');
    assert.deepEqual(stack.grants.slice(before), [{ type: 'refresh_token', outcome: 'success' }]);
    // Whichever of them the browser keeps, it goes on, and so does the old one.
    for (const kept of [answers[0], answers[49]]) {
      const renewed = kept.setCookies.map((line) => line.split(';')[0]).join('; ');
      assert.equal((await askWith(renewed)).status, 200);
    }
    assert.equal((await askWith(cookie)).status, 200);
    assert.equal(stack.grants.length, before + 1);
  });

  test('a cookie that missed a renewal goes on with what that one stored', async () => {
    lives.seconds = 2;
    const cookie = cookieOf(await signedIn());
    await sleep(2500);
    assert.equal((await askWith(cookie)).status, 200);
    await sleep(2500);
    lives.seconds = 3600;
    const before = stack.grants.length;
    assert.equal((await askWith(cookie, stack.worker.twinPort)).status, 200, 'the stored tokens were over too');
    assert.deepEqual(stack.grants.slice(before), [{ type: 'refresh_token', outcome: 'success' }]);
  });

  test('signing out while 20 requests refresh leaves nobody signed in', async () => {
    lives.seconds = 2;
    const visitor = await signedIn();
    const copy = cookieOf(visitor);
    lives.seconds = 3600;
    await sleep(2500);
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => askWith(copy)),
      visitor.navigate('/oidc_logout', { headers: SAME_ORIGIN }),
    ]);
    assert.ok(answers.every(({ status }) => [200, 302, 401].includes(status)), answers.map(({ status }) => status).join());
    const cookies = [copy, ...answers.filter(({ status }) => status === 200).map(({ setCookies }) => setCookies.map((line) => line.split(';')[0]).join('; '))];
    for (const cookie of cookies) {
      assert.equal((await askWith(cookie, stack.worker.twinPort)).status, 401, 'a late cookie is of no use');
    }
  });
});
