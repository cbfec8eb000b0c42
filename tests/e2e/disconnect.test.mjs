// Browsers that leave while they wait: what the provider has given meanwhile is not lost with them.

import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';

/** Asks, and breaks the connection as soon as the Worker has asked the token endpoint. */
async function leave(stack, visitor, target, whenAsked) {
  const headers = { Host: `localhost:${stack.port}`, Accept: 'application/json', Cookie: visitor.cookieHeader('localhost', target) };
  const outgoing = http.request({ host: '127.0.0.1', port: stack.port, path: target, headers, agent: false });
  const gone = new Promise((resolve) => outgoing.on('error', resolve));
  outgoing.end();
  await whenAsked;
  outgoing.socket.resetAndDestroy();
  await gone;
}

for (const durable of [false, true]) {
  test(`a refresh token that was rotated for a browser that has left is kept: ${durable ? 'Durable Objects' : 'KV'}`, async (t) => {
    const lives = { seconds: 3 };
    let token;
    const stack = await startStack({
      durable,
      vars: { OIDC_CLOCK_SKEW: 0 },
      provider: {
        configure: (configuration) => {
          configuration.ttl.IdToken = () => lives.seconds;
          configuration.rotateRefreshToken = true;
        },
        onRequest: (request, response) => token && request.url === '/token' && token(response),
      },
    });
    t.after(() => stack.close());
    const visitor = stack.visitor();
    await visitor.signIn('/api/whoami');
    lives.seconds = 3600;
    await sleep(3500);
    let answers;
    const whenAsked = new Promise((resolve) => {
      // The provider rotates the token at once, and its answer is on its way until the browser has left.
      token = (response) => {
        const end = response.end.bind(response);
        answers = new Promise((sent) => (response.end = (...rest) => sent(() => end(...rest))));
        resolve();
      };
    });
    await leave(stack, visitor, '/api/whoami', whenAsked);
    await sleep(200);
    token = undefined;
    (await answers)();
    await sleep(500);
    assert.equal((await visitor.fetch('/api/whoami')).status, 200, 'nobody has to sign in for that');
    const refreshes = stack.grants.filter(({ type }) => type === 'refresh_token');
    assert.deepEqual(refreshes, [{ type: 'refresh_token', outcome: 'success' }], 'and no refresh token was used twice');
  });
}
