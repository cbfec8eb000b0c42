// The credential store: contract §6. KV is eventually consistent and sometimes down; neither costs anyone a session.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { startStack } from './support/stack.mjs';

/** A provider that loads no frames to sign visitors out: one that may costs a sign-in another entry, a moment alone. */
const provider = { configure: (configuration) => (configuration.discovery = { frontchannel_logout_supported: false }) };

async function withStack(check) {
  const stack = await startStack({ provider });
  try {
    await check(stack);
  } finally {
    await stack.close();
  }
}

describe('the store', () => {
  test('has one sealed entry for a session, under a hash, for as long as the session', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn();
      assert.equal(stack.kv.entries.size, 1);
      const [[key, { value, expirationTtl }]] = stack.kv.entries;
      const cookies = Object.values(visitor.cookies).join();
      assert.ok(!cookies.includes(key), 'the key is not in the cookie');
      assert.match(key, /[0-9a-f]{64}|[\w-]{43}/, 'a hash');
      assert.ok(expirationTtl >= 60 && expirationTtl <= 604_860, `expires, in ${expirationTtl} s`);
      for (const part of ['alice', 'example.com', 'eyJ', 'Bearer', 'access_token']) {
        assert.ok(!value.includes(part), `the entry shows ${part}`);
        assert.ok(!Buffer.from(value.toString(), 'base64url').includes(part), `the entry shows ${part} when decoded`);
      }
    });
  });

  test('says nothing in common about two sessions of one visitor', async () => {
    await withStack(async (stack) => {
      for (let i = 0; i < 2; i += 1) await stack.visitor().signIn();
      const [one, two] = [...stack.kv.entries];
      assert.notEqual(one[0], two[0]);
      const digest = ([, { value }]) => createHash('sha256').update(value).digest('hex');
      assert.notEqual(digest(one), digest(two));
    });
  });

  test('is not written for who isn’t signed in', async () => {
    await withStack(async (stack) => {
      await stack.visitor().navigate('/private/');
      await stack.visitor().navigate('/public/');
      await stack.visitor().navigate('/oidc_callback?code=a&state=b');
      assert.deepEqual(stack.kv.operations, []);
    });
  });

  test('is not read on every request', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn();
      await visitor.fetch('/api/whoami');
      const before = stack.kv.operations.length;
      for (let i = 0; i < 10; i += 1) assert.equal((await visitor.fetch('/api/whoami')).status, 200);
      assert.equal(stack.kv.operations.length, before);
    });
  });
});

describe('a store', () => {
  for (const behaviour of ['lagging', 'failing']) {
    test(`that is ${behaviour} lets a visitor sign in and stay`, async () => {
      await withStack(async (stack) => {
        stack.kv.behaviour = behaviour;
        const visitor = stack.visitor();
        assert.equal((await visitor.signIn('/api/whoami')).json().user, 'alice');
        for (let i = 0; i < 3; i += 1) assert.equal((await visitor.fetch('/api/whoami')).status, 200);
      });
    });

    test(`that is ${behaviour} lets a visitor sign out`, async () => {
      await withStack(async (stack) => {
        const visitor = stack.visitor();
        await visitor.signIn();
        stack.kv.behaviour = behaviour;
        const answer = await visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
        assert.ok(answer.status < 500, `got ${answer.status}`);
        assert.deepEqual(visitor.sessionCookies, []);
        assert.equal((await visitor.fetch('/api/whoami')).status, 401);
      });
    });
  }

  test('that fails for a while costs no session that was there before', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn();
      stack.kv.behaviour = 'failing';
      assert.equal((await visitor.fetch('/api/whoami')).status, 200);
      stack.kv.behaviour = 'ok';
      assert.equal((await visitor.fetch('/api/whoami')).status, 200);
    });
  });

  test('that has lost everything costs no session either', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn();
      stack.kv.entries.clear();
      assert.equal((await visitor.fetch('/api/whoami')).status, 200);
    });
  });
});

describe('a store that hangs', () => {
  // Two seconds for each attempt, and what the machine needs.
  const PATIENCE_MS = 6500;
  const timed = async (answer) => {
    const started = Date.now();
    await answer;
    return { answer: await answer, took: Date.now() - started };
  };

  test('holds up nobody who signs in', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      const callback = await visitor.callbackUrl('/api/whoami');
      stack.kv.behaviour = 'hanging';
      const { answer, took } = await timed(visitor.navigate(callback));
      assert.equal(answer.status, 302);
      assert.ok(took < PATIENCE_MS, `${took} ms`);
      assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
    });
  });

  test('holds up nobody who signs out', async () => {
    await withStack(async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn();
      stack.kv.behaviour = 'hanging';
      const { answer, took } = await timed(visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } }));
      assert.equal(answer.status, 302);
      assert.ok(took < PATIENCE_MS, `${took} ms`);
      assert.deepEqual(visitor.sessionCookies, []);
    });
  });

  test('confirms no logout of the provider', async () => {
    await withStack(async (stack) => {
      await stack.visitor().signIn();
      stack.kv.behaviour = 'hanging';
      const { answer, took } = await timed(stack.visitor().send(`/oidc_frontchannel_logout?iss=${encodeURIComponent(stack.provider.issuer)}&sid=s`));
      assert.equal(answer.status, 503);
      assert.ok(took < PATIENCE_MS, `${took} ms`);
    });
  });
});
