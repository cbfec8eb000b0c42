// More attack files of tests/vectors/ through the live Worker, from a raw socket: cookies and return addresses. Those on
// paths are in paths.test.mjs, those on headers in proxy.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rawRequest } from './support/http.mjs';
import { startStack } from './support/stack.mjs';
import { rows } from './support/vectors.mjs';

/** Several `Cookie` headers reach the Worker joined by commas, which no value of ours holds: this may have been two. */
const JOINED = { '__Host-oidc=a,b=c': 'b=c' };

describe('odd cookies', () => {
  let stack;
  before(async () => {
    stack = await startStack({ vars: { OIDC_ID_TOKEN_COOKIE_NAME: 'oidc', OIDC_RULES: [{ path: '/echo/open', access: 'public' }, { path: '/*', access: 'login' }] } });
  });
  after(() => stack?.close());

  const send = (path, header) => rawRequest(stack.port, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nConnection: close\r\nCookie: ${header}\r\n\r\n`, 'utf8'));

  test('sign nobody in, and the origin sees none of ours', async () => {
    let sent = 0;
    for (const [header, , left] of rows('cookie_headers.txt')) {
      // HTTP itself allows no control character but a tab in a value (RFC 9110 §5.5): that is refused before the Worker.
      if (/[\0-\x08\n-\x1f]/.test(header)) {
        const refused = await send('/echo/open', header);
        assert.ok(refused.status !== 200 || !/__host-oidc/i.test(refused.body), JSON.stringify(header));
        continue;
      }
      assert.equal((await send('/private/', header)).status, 401, JSON.stringify(header));
      const echoed = await send('/echo/open', header);
      assert.equal(echoed.status, 200, JSON.stringify(header));
      const { headers } = JSON.parse(Buffer.from(echoed.body.slice(echoed.body.indexOf('{'), echoed.body.lastIndexOf('}') + 1), 'latin1').toString());
      const received = headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value);
      // White space around a value is none of it; the origin's own parser reads it as Latin-1.
      const kept = JOINED[header] ?? (left === '=' ? header : left);
      const expected = Buffer.from(kept.trim(), 'utf8').toString('latin1');
      assert.deepEqual(received.filter((value) => value !== ''), expected === '-' || expected === '' ? [] : [expected], JSON.stringify(header));
      sent += 1;
    }
    assert.ok(sent > 40, `${sent}`);
  });
});

describe('return addresses', () => {
  let stack;
  before(async () => {
    // Everyone is signed in at once, and goes straight to where the sign-in would lead.
    stack = await startStack({ vars: { OIDC_ENABLED: false, OIDC_TESTING_PROFILE: { sub: 'tester' } } });
  });
  after(() => stack?.close());

  const site = () => `http://localhost:${stack.port}`;

  /** Where a sign-in with this query leads. */
  async function led(query) {
    const { status, head } = await rawRequest(stack.port, Buffer.from(`GET /oidc_login?${query} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nConnection: close\r\n\r\n`, 'utf8'));
    return { status, location: head.match(/^location: (.*)\r?$/im)?.[1] };
  }

  test('of this site are followed as they are', async () => {
    for (const [next] of rows('return_to_good.txt')) assert.deepEqual(await led(`next=${encodeURIComponent(next)}`), { status: 302, location: next }, next);
  });

  test('that lead away are forgotten', async () => {
    for (const [next] of rows('return_to.txt')) {
      const encoded = [...Buffer.from(next, 'utf8')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
      const { status: followed, location: there } = await led(`next=${encoded}`);
      // What differs from a path by spaces and letters alone, a browser would have encoded.
      const written = next.replace(/[^\0-\x1f\x21-\x7f]+/gu, encodeURIComponent);
      assert.ok(followed === 302 && (there === '/' || (there === written && written !== next)), `${JSON.stringify(next)} leads to ${there}`);
      assert.equal(new URL(there, site()).origin, site(), JSON.stringify(next));
      // As it is: a request line ends at a space or a line break, a parameter at `&`; what is left leads nowhere either.
      if (/[\0-\x20\x7f]/.test(next)) continue;
      const { status, location } = await led(`next=${next}`);
      assert.ok(status === 400 || new URL(location, site()).origin === site(), `${JSON.stringify(next)} leads to ${location}`);
    }
  });
});
