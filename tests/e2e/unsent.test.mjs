// A form that meets the end of a session: what is kept arrives as it was sent, once, from the one who entered it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const TEXT = 'text=It+rains.%0D%0A%C3%9Cberall+%3Cb%3E%26%22&text=%F0%9F%8C%A7&empty=';
const TARGET = '/echo/%7e?from=%2Fhome&it%27s=1';
const IDLE_SECONDS = 2;
/** As browsers write it: a text, a file, and a field for one that was not given. */
const withFile = (boundary) =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="te%22xt"\r\n\r\nÜberall\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="日本 é.PNG"\r\nContent-Type: image/png\r\n\r\n`),
    Buffer.from([...Array(256).keys()]),
    Buffer.from(`\r\n--${boundary}\r\nContent-Disposition: form-data; name="none"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--${boundary}--\r\n`),
  ]);
const OWN_FORM = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' };

for (const durable of [false, true]) {
  describe(`a form whose visitor's session has ended, with ${durable ? 'Durable Objects' : 'KV'}`, () => {
    let stack;
    before(async () => {
      stack = await startStack({ durable, vars: { OIDC_SESSION_IDLE_TTL: IDLE_SECONDS, OIDC_SESSION_CHECK_INTERVAL: 0 } });
    });
    after(() => stack?.close());

    const send = (visitor, target, body, headers = {}) => visitor.navigate(target, { method: 'POST', body, headers: { ...OWN_FORM, Origin: stack.publicUrl, ...headers } });

    /** A visitor whose session has been idle for too long. */
    async function idle(name = 'alice') {
      const visitor = stack.visitor();
      await visitor.signIn('/private/', name);
      await sleep((IDLE_SECONDS + 1) * 1000);
      return visitor;
    }

    test('arrives after the sign-in, byte for byte, once', async () => {
      const visitor = await idle();
      const before = stack.origin.requests.length;
      const kept = await send(visitor, TARGET, TEXT);
      assert.equal(kept.status, 302);
      if (!durable) {
        const [value, ttl] = [...stack.kv.entries].filter(([key]) => key.startsWith('f:')).map(([, entry]) => [entry.value, entry.expirationTtl])[0];
        assert.equal(ttl, 1800);
        assert.ok(!value.includes('rains') && !value.includes('echo'), 'sealed');
      }
      const page = await visitor.open(kept.headers.location);
      assert.equal(page.status, 200);
      assert.match(page.text, /signed in as Alice Adams/);
      assert.match(page.headers['content-security-policy'], /default-src 'none'/);
      assert.equal(stack.origin.requests.length, before, 'nothing has been sent yet');

      const [first, second] = await Promise.all([send(visitor, page.url, TEXT), send(visitor, page.url, TEXT)]);
      assert.deepEqual([first.status, second.status].sort(), [307, 409]);
      const [sent] = [first, second].filter(({ status }) => status === 307);
      assert.equal(sent.headers.location, TARGET);
      const echoed = (await send(visitor, sent.headers.location, TEXT)).json();
      assert.deepEqual([echoed.method, echoed.target], ['POST', TARGET]);
      assert.equal(echoed.body.sha256, createHash('sha256').update(TEXT).digest('hex'));
      assert.equal((await visitor.navigate(page.url)).status, 409);
    });

    if (durable) {
      test('is sent once, whatever 20 clicks in two isolates say', async () => {
        const visitor = await idle();
        const page = await visitor.open((await send(visitor, TARGET, TEXT)).headers.location);
        const cookie = Object.entries(visitor.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
        const ports = [stack.port, stack.worker.twinPort];
        const click = async (port) => {
          const post = (target) => request({ port, target, method: 'POST', body: TEXT, headers: { Host: `localhost:${port}`, Cookie: cookie, 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html', ...OWN_FORM } });
          const answer = await post(page.url);
          return answer.status === 307 ? post(answer.headers.location) : answer;
        };
        const sent = () => stack.origin.requests.filter(({ method, target }) => method === 'POST' && target === TARGET).length;
        const before = sent();
        const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => click(ports[index % 2])));
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(19).fill(409)]);
        assert.equal(sent(), before + 1);
      });
    }

    test('is nobody else’s', async () => {
      const visitor = await idle();
      const kept = await send(visitor, TARGET, TEXT);
      visitor.jar.delete('127.0.0.1');
      const form = await visitor.open(kept.headers.location);
      const page = await visitor.submit(form, { name: 'bob', password: 'bob' });
      assert.equal(page.status, 403);
      assert.ok(!page.text.includes('rains'));
      assert.equal((await send(visitor, page.url, TEXT)).status, 403);
    });

    for (const [what, kind, bodyOf] of [
      ['with a file', (boundary) => `multipart/form-data; boundary=${boundary}`, withFile],
      ['as plain text', () => 'text/plain', () => Buffer.from('{"text": "Überall =\r\n\r\nx=y"}\r\n')],
    ]) {
      test(`${what} arrives as the browser sends it, byte for byte`, async () => {
        const visitor = await idle();
        const sendWith = (target, boundary) => send(visitor, target, bodyOf(boundary), { 'Content-Type': kind(boundary) });
        const page = await visitor.open((await sendWith(TARGET, '----first')).headers.location);
        assert.equal(page.status, 200);
        const sent = await sendWith(page.url, '----another');
        assert.deepEqual([sent.status, sent.headers.location], [307, TARGET]);
        const echoed = (await sendWith(sent.headers.location, '----another')).json();
        assert.equal(echoed.body.sha256, createHash('sha256').update(bodyOf('----another')).digest('hex'));
        assert.equal(new Map(echoed.headers.map(([name, value]) => [name.toLowerCase(), value])).get('content-type'), kind('----another'));
      });
    }

    test('of more than 64 KiB, or with what no page can send again, stays with the browser', async () => {
      const visitor = await idle();
      for (const [body, headers] of [[`a=${'x'.repeat(65_535)}`, {}], ['--x\r\n\r\n--x--\r\n', { 'Content-Type': 'multipart/form-data; boundary=x' }]]) {
        const page = await send(visitor, TARGET, body, headers);
        assert.equal(page.status, 401);
        assert.match(page.text, /your browser still has it/);
        assert.deepEqual(page.setCookies, []);
      }
      assert.equal((await send(visitor, TARGET, `a=${'x'.repeat(65_534)}`)).status, 302);
    });
  });
}

describe('a form that the store does not show yet', () => {
  test('is waited for', async () => {
    const stack = await startStack({ vars: { OIDC_SESSION_IDLE_TTL: IDLE_SECONDS } });
    try {
      const visitor = stack.visitor();
      await visitor.signIn('/private/');
      await sleep((IDLE_SECONDS + 1) * 1000);
      stack.kv.behaviour = 'lagging';
      const page = await visitor.open(TARGET, { method: 'POST', body: TEXT, headers: OWN_FORM });
      assert.equal(page.status, 404);
      assert.match(page.text, /try again in a minute/);
      const [, again] = page.text.match(/href="([^"]+)"/);
      stack.kv.behaviour = 'ok';
      assert.match((await visitor.navigate(again)).text, /Send what you entered\?/);
    } finally {
      await stack.close();
    }
  });
});
