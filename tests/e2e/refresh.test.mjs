// Sessions that go on with new tokens, with KV behind them: contract §2 OIDC_SESSION_EXPIRY, §5.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';

/** A stack whose first ID token lives for some seconds, `lives.seconds` later on. */
async function withStack(lives, check) {
  const stack = await startStack({
    vars: { OIDC_CLOCK_SKEW: 0 },
    provider: {
      configure: (configuration) => {
        configuration.ttl.IdToken = () => lives.seconds;
        configuration.rotateRefreshToken = true;
      },
    },
  });
  try {
    await check(stack);
  } finally {
    await stack.close();
  }
}

const refreshes = (stack) => stack.grants.filter(({ type }) => type === 'refresh_token').map(({ outcome }) => outcome);

describe('with KV', () => {
  test('an expired ID token is renewed by the next request, again and again', async () => {
    const lives = { seconds: 2 };
    await withStack(lives, async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn('/api/whoami');
      for (let round = 1; round <= 3; round += 1) {
        const [old] = Object.values(visitor.cookies);
        await sleep(2500);
        if (round === 3) lives.seconds = 3600;
        const answer = await visitor.fetch('/api/whoami');
        assert.equal(answer.status, 200, `round ${round}`);
        assert.equal(answer.json().user, 'alice');
        assert.notEqual(Object.values(visitor.cookies)[0], old, 'the cookie is renewed');
        assert.match(answer.headers['cache-control'] ?? '', /private/);
        assert.deepEqual(refreshes(stack), Array(round).fill('success'));
      }
      const quiet = await visitor.fetch('/api/whoami');
      assert.deepEqual(quiet.setCookies, [], 'nothing has changed');
      assert.equal(refreshes(stack).length, 3);
    });
  });

  test('an answer that others may share sets no cookie', async () => {
    const lives = { seconds: 2 };
    await withStack(lives, async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn('/api/whoami');
      lives.seconds = 3600;
      await sleep(2500);
      for (const target of ['/cache', '/public/']) {
        const answer = await visitor.fetch(target);
        assert.equal(answer.status, 200, target);
        assert.deepEqual(answer.setCookies, [], target);
      }
      assert.notDeepEqual((await visitor.fetch('/api/whoami')).setCookies, []);
      assert.deepEqual(refreshes(stack), ['success'], 'once for all of them');
    });
  });

  test('a provider that is down costs nothing before the end, and no cookie after it', async () => {
    const lives = { seconds: 10 };
    await withStack(lives, async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn('/api/whoami');
      const cookies = visitor.cookies;
      stack.provider.down = true;
      await sleep(5500);
      assert.equal((await visitor.fetch('/api/whoami')).status, 200, 'due, and not yet over');
      await sleep(5000);
      for (const answer of [await visitor.fetch('/api/whoami'), await visitor.navigate('/private/')]) {
        assert.equal(answer.status, 503);
        assert.match(answer.headers['retry-after'], /^\d+$/);
        assert.deepEqual(answer.setCookies, []);
      }
      assert.deepEqual(visitor.cookies, cookies, 'the cookie is kept');
      stack.provider.down = false;
      assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
    });
  });

  test('many requests at once lose nobody, whoever redeems the refresh token', async () => {
    const lives = { seconds: 8 };
    await withStack(lives, async (stack) => {
      const visitor = stack.visitor();
      await visitor.signIn('/api/whoami');
      lives.seconds = 3600;
      await sleep(4500);
      const answers = await Promise.all(Array.from({ length: 20 }, () => visitor.fetch('/api/whoami')));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    });
  });
});
