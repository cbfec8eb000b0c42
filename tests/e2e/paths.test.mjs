// The attack files of tests/vectors through the live Worker, from a raw socket: HTTP clients tidy paths.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rawGet, rawRequest } from './support/http.mjs';
import { marker, startStack } from './support/stack.mjs';
import { rows } from './support/vectors.mjs';

let stack;
before(async () => {
  // Everything is open: what does not arrive was refused for its path alone.
  stack = await startStack({ vars: { OIDC_RULES: [{ path: '/*', access: 'public' }] } });
});
after(() => stack?.close());

const arrived = (mark) => stack.origin.requests.map(({ target }) => target).filter((target) => target.includes(mark));

/** Sends the target's bytes as they are. */
function send(target) {
  const head = `GET ${target} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nConnection: close\r\n\r\n`;
  return rawRequest(stack.port, Buffer.from(head, 'utf8'));
}

test('what is refused never reaches the origin', async () => {
  for (const [path, reason] of rows('paths_refused.txt')) {
    // In a request they end the path, or are another form of a target.
    if (reason === 'Relative' || reason === 'Delimiter') continue;
    const mark = marker();
    const { status } = await send(`${path}?${mark}`);
    assert.equal(status, 400, JSON.stringify(path));
    assert.deepEqual(arrived(mark), [], JSON.stringify(path));
  }
});

test('what is accepted reaches the origin byte for byte', async () => {
  for (const [path] of rows('paths_accepted.txt')) {
    for (const query of ['', '=%2e%2e/&b=%zz//;']) {
      const target = `${path}?${marker()}${query}`;
      await send(target);
      assert.deepEqual(arrived(target), [target]);
    }
  }
});

test('other forms of a target open no other door', async () => {
  const origin = `localhost:${stack.port}`;
  for (const [target, host, expected] of [
    ['*', origin, []], ['', origin, []], [`http://${origin}/../a`, origin, []], ['x?y', origin, []],
    ['/', 'a@b', []], ['/', 'a/../b', []], ['/', 'a b', []], ['/', '[::1', []],
    // The runtime reads these as hosts without a path; the front page is judged, and asked for.
    ['a', origin, ['/']], [origin, origin, ['/']], [`http://a@${origin}/`, origin, ['/']],
  ]) {
    const before = stack.origin.requests.length;
    const { status } = await rawRequest(stack.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.equal(status, expected.length ? 200 : 400, `${target} of ${host}`);
    assert.deepEqual(stack.origin.requests.slice(before).map((request) => request.target), expected, `${target} of ${host}`);
  }
});

test('a path of many kilobytes harms nobody', async () => {
  const long = `/${'a/'.repeat(15_000)}`;
  assert.notEqual((await rawGet(stack.port, long)).status, 500);
  assert.equal((await rawGet(stack.port, `/${'%2e/'.repeat(7_000)}`)).status, 400);
  assert.equal((await rawGet(stack.port, `/${';'.repeat(20_000)}`)).status, 404, 'the origin has no such page');
});
