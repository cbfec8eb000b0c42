// The visitor's access token at the origin, fresh whenever it comes: contract §2, OIDC_PASS_ACCESS_TOKEN.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

/** How long access tokens live, in seconds; read at each issue. */
const lives = { seconds: 3600 };

let stack;
before(async () => {
  stack = await startStack({
    durable: true,
    vars: { OIDC_PASS_ACCESS_TOKEN: true },
    provider: {
      configure: (configuration) => {
        configuration.ttl.AccessToken = () => lives.seconds;
        configuration.rotateRefreshToken = true;
      },
    },
  });
});
after(() => stack?.close());

async function signedIn(seconds) {
  lives.seconds = seconds;
  const visitor = stack.visitor();
  await visitor.signIn('/api/whoami');
  return visitor;
}

/** The `Authorization` headers that the origin got. */
const handed = (answer) => answer.json().headers.filter(([name]) => name.toLowerCase() === 'authorization').map(([, value]) => value);

/** Whether the provider takes the token. */
async function isGood(authorization) {
  const { port } = new URL(stack.provider.issuer);
  const answer = await request({ port, target: '/me', headers: { Host: `localhost:${port}`, Authorization: authorization } });
  return answer.status === 200 && answer.json().sub === 'alice';
}

describe('the access token', () => {
  test('comes to the origin in place of whatever a client sends, and is the visitor’s', async () => {
    const visitor = await signedIn(3600);
    const answers = [await visitor.fetch('/echo'), await visitor.fetch('/echo', { headers: { Authorization: 'Bearer mine' } })];
    const [[token]] = answers.map(handed);
    assert.deepEqual(answers.map(handed), [[token], [token]]);
    assert.match(token, /^Bearer \S+$/);
    assert.ok(await isGood(token));
    const shown = Object.values(visitor.cookies).join();
    assert.ok(!shown.includes(token.slice(7)), 'it is in no cookie');
  });

  test('is not handed to whoever is not signed in', async () => {
    const answer = await request({ port: stack.port, target: '/public/echo', headers: { Host: `localhost:${stack.port}` } });
    assert.deepEqual(handed(answer), []);
  });

  test('is renewed while it lives 30 seconds yet', async () => {
    const visitor = await signedIn(32);
    const [first] = handed(await visitor.fetch('/echo'));
    lives.seconds = 3600;
    await sleep(2500);
    const answer = await visitor.fetch('/echo');
    const [second] = handed(answer);
    assert.notEqual(second, first);
    assert.ok(await isGood(first) && await isGood(second));
    assert.notDeepEqual(answer.setCookies, [], 'the cookie knows when it is due again');
    assert.deepEqual(handed(await visitor.fetch('/echo')), [second]);
  });

  test('is renewed once for 50 requests that find it over, and each hands on the new one', async () => {
    const visitor = await signedIn(32);
    const cookie = Object.entries(visitor.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    lives.seconds = 3600;
    await sleep(3500);
    const before = stack.grants.length;
    const ports = [stack.port, stack.worker.twinPort];
    const ask = (port) => request({ port, target: '/echo', headers: { Host: `localhost:${port}`, Accept: 'application/json', Cookie: cookie } });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(ports[index % 2])));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const tokens = new Set(answers.flatMap(handed));
    assert.equal(tokens.size, 1, 'one token for all');
    assert.ok(answers.every((answer) => handed(answer).length === 1));
    assert.ok(await isGood([...tokens][0]));
    assert.deepEqual(stack.grants.slice(before), [{ type: 'refresh_token', outcome: 'success' }]);
  });
});
