// An origin that takes a request and says nothing: contract §5, "too slow". It lasts as long as the Worker waits.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { startStack } from './support/stack.mjs';

let stack;
let silent;
before(async () => {
  silent = net.createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  stack = await startStack({
    vars: { OIDC_ORIGIN: `http://127.0.0.1:${silent.address().port}`, OIDC_RULES: [{ path: '/*', access: 'public' }] },
  });
});
after(async () => {
  await stack?.close();
  silent?.close();
});

test('is given up after 100 seconds, with a small body as without one', { timeout: 118_000 }, async () => {
  const began = Date.now();
  const ask = (init) => fetch(`${stack.publicUrl}/`, init);
  const [page, form] = await Promise.all([ask({ headers: { accept: 'text/html' } }), ask({ method: 'POST', body: 'a=b' })]);
  assert.ok(Date.now() - began > 95_000, 'not sooner');
  assert.deepEqual([page.status, form.status], [504, 504]);
  assert.match(await page.text(), /origin\.timeout/);
  assert.equal((await form.json()).error, 'origin.timeout');
});
