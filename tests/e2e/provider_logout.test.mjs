// The provider ends sessions: Back-Channel Logout 1.0 by a real provider, Front-Channel Logout 1.0 by a frame.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';

async function withStack(options, check) {
  const stack = await startStack({ vars: { OIDC_SESSION_CHECK_INTERVAL: 0 }, ...options });
  try {
    await check(stack);
  } finally {
    await stack.close();
  }
}

async function signedIn(stack, name = 'alice') {
  const visitor = stack.visitor();
  assert.equal((await visitor.signIn('/api/whoami', name)).json().user, name);
  return visitor;
}

const isSignedIn = async (visitor) => (await visitor.fetch('/api/whoami')).status === 200;

/** Signs a visitor out at the provider, who tells us on its own. */
async function leaveProvider(stack, visitor) {
  const outcome = new Promise((resolve) => {
    stack.provider.provider.on('backchannel.success', () => resolve('success'));
    stack.provider.provider.on('backchannel.error', (_context, error) => resolve(error.message));
  });
  const page = await visitor.open(`${stack.provider.issuer}/session/end`);
  await visitor.submit(page, { logout: 'yes' });
  return Promise.race([outcome, sleep(10_000, 'no logout token was sent', { ref: false })]);
}

/** The `sid` of the last session. */
async function sidOf(stack, visitor) {
  const answer = await visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
  const hint = new URL(answer.headers.location).searchParams.get('id_token_hint');
  return JSON.parse(Buffer.from(hint.split('.')[1], 'base64url')).sid;
}

describe('back-channel logout', () => {
  for (const durable of [false, true]) {
    test(`ends the session that the provider ends, and no other (${durable ? 'Durable Objects' : 'KV'})`, async () => {
      await withStack({ durable }, async (stack) => {
        const [alice, phone, bob] = [await signedIn(stack), await signedIn(stack), await signedIn(stack, 'bob')];
        assert.equal(await leaveProvider(stack, alice), 'success');
        assert.ok(!(await isSignedIn(alice)), 'ended by the provider alone');
        assert.ok(await isSignedIn(phone), 'another session of hers at the provider');
        assert.ok(await isSignedIn(bob));
        assert.match((await alice.open('/private/')).text, /type="password"/, 'she signs in again');
      });
    });
  }

  test('is refused without a token that is good, and by GET', async () => {
    await withStack({}, async (stack) => {
      const visitor = await signedIn(stack);
      const post = (body) => stack.visitor().send('/oidc_backchannel_logout', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body });
      for (const body of ['', 'logout_token=', 'logout_token=a.b.c', 'logout_token=eyJhbGciOiJub25lIn0.e30.']) {
        const answer = await post(body);
        assert.equal(answer.status, 400, body);
        assert.equal(answer.headers['cache-control'], 'no-store');
      }
      assert.equal((await post(`logout_token=${'a'.repeat(70_000)}`)).status, 413);
      assert.equal((await stack.visitor().send('/oidc_backchannel_logout?logout_token=a.b.c')).status, 405);
      assert.ok(await isSignedIn(visitor));
    });
  });

  test('is not confirmed when the store is down', async () => {
    await withStack({}, async (stack) => {
      const visitor = await signedIn(stack);
      stack.kv.behaviour = 'failing';
      assert.match(await leaveProvider(stack, visitor), /got: 503/);
    });
  });
});

describe('front-channel logout', () => {
  test('ends what iss and sid name, in a frame without a cookie', async () => {
    await withStack({}, async (stack) => {
      const visitor = await signedIn(stack);
      const copy = stack.visitor();
      copy.jar.set('localhost', new Map(visitor.jar.get('localhost')));
      const frame = (parameters) => stack.visitor().send(`/oidc_frontchannel_logout?${new URLSearchParams(parameters)}`);
      assert.equal((await frame({ iss: 'https://evil.example', sid: 'x' })).status, 400);
      assert.equal((await frame({ iss: stack.provider.issuer })).status, 400);
      assert.ok(await isSignedIn(copy));

      const other = await signedIn(stack);
      const third = stack.visitor();
      third.jar.set('localhost', new Map(other.jar.get('localhost')));
      const sid = await sidOf(stack, visitor);
      const answer = await frame({ iss: stack.provider.issuer, sid });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-frame-options'], undefined);
      assert.ok(await isSignedIn(third), 'another session');
      const mine = await sidOf(stack, other);
      assert.equal((await frame({ iss: stack.provider.issuer, sid: mine })).status, 200);
      assert.ok(!(await isSignedIn(third)));
    });
  });
});

describe('signing out', () => {
  test('revokes the refresh token at the provider', async () => {
    await withStack({}, async (stack) => {
      const visitor = await signedIn(stack);
      await visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
      const asked = stack.providerRequests.filter(({ target }) => target === '/token/revocation');
      assert.deepEqual(asked.map(({ method }) => method), ['POST']);
    });
  });
});
