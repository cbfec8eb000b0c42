// Signing in: contract §3, §5 and what RFC 6749, RFC 7636, RFC 9207 and OIDC Core ask of a relying party.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';
import { isSessionCookie, parseSetCookie } from './support/visitor.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.close());

/** Requests of the token endpoint so far. */
const tokenRequests = () => stack.providerRequests.filter(({ target }) => target === '/token').length;

describe('a visitor who is not signed in', () => {
  test('is sent to the provider when navigating', async () => {
    const visitor = stack.visitor();
    const answer = await visitor.navigate('/private/?a=1');
    assert.equal(answer.status, 302);
    assert.equal(answer.headers['cache-control'], 'no-store');

    const url = new URL(answer.headers.location);
    assert.equal(url.origin + url.pathname, `${stack.provider.issuer}/auth`);
    const sent = Object.fromEntries(url.searchParams);
    assert.equal(sent.response_type, 'code');
    assert.equal(sent.client_id, 'edge-oidc-demo');
    assert.equal(sent.redirect_uri, `${stack.publicUrl}/oidc_callback`);
    assert.deepEqual(sent.scope.split(' ').sort(), ['email', 'groups', 'openid', 'profile']);
    assert.equal(sent.code_challenge_method, 'S256');
    assert.match(sent.code_challenge, /^[\w-]{43}$/);
    assert.ok(sent.state.length >= 22, 'state has 128 bits at least');
    assert.ok(sent.nonce.length >= 22, 'nonce has 128 bits at least');
    assert.equal(sent.client_secret, undefined);

    assert.equal(answer.setCookies.length, 1, 'one login cookie');
    const { name, value, attributes } = parseSetCookie(answer.setCookies[0]);
    assert.match(name, /^__Host-/);
    assert.equal(attributes.path, '/');
    assert.equal(attributes.samesite, 'Lax');
    assert.ok('httponly' in attributes && 'secure' in attributes && !('domain' in attributes));
    assert.ok(Number(attributes['max-age']) > 0 && Number(attributes['max-age']) <= 3600, 'short-lived');
    assert.ok(!value.includes(sent.state) && !value.includes(sent.nonce), 'sealed');
  });

  test('gets state, nonce and challenge afresh each time', async () => {
    const seen = new Set();
    for (let i = 0; i < 3; i += 1) {
      const url = new URL((await stack.visitor().navigate('/private/')).headers.location);
      for (const name of ['state', 'nonce', 'code_challenge']) seen.add(url.searchParams.get(name));
    }
    assert.equal(seen.size, 9);
  });

  const notNavigations = [
    ['a script', { headers: { Accept: 'application/json' } }],
    ['a script that takes HTML', { headers: { Accept: 'text/html', 'Sec-Fetch-Mode': 'cors' } }],
    ['an image', { headers: { Accept: 'image/*,*/*', 'Sec-Fetch-Mode': 'no-cors' } }],
    ['no Accept', { headers: {} }],
    ['a form', { method: 'POST', headers: { Accept: 'text/html', 'Content-Type': 'text/plain' }, body: 'x' }],
  ];
  for (const [who, options] of notNavigations) {
    test(`gets 401 and no cookie: ${who}`, async () => {
      const answer = await stack.visitor().send('/private/?a=1', options);
      assert.equal(answer.status, 401);
      assert.deepEqual(answer.setCookies, []);
      const { error, login_url: loginUrl } = answer.json();
      assert.equal(error, 'login_required');
      assert.match(loginUrl, /^\/oidc_login\?next=/);
      assert.equal(new URL(loginUrl, stack.publicUrl).searchParams.get('next'), '/private/?a=1');
    });
  }

  test('has no claims and is healthy', async () => {
    const visitor = stack.visitor();
    assert.equal((await visitor.fetch('/oidc_userinfo')).status, 401);
    const health = await visitor.send('/oidc_health');
    assert.equal(health.status, 200);
    assert.deepEqual(health.json(), { status: 'ok' });
  });
});

describe('signing in', () => {
  test('ends at the page that was asked for, with the identity at the origin', async () => {
    const visitor = stack.visitor();
    const page = await visitor.signIn('/api/whoami?x=%2F&y=a+b');
    assert.equal(page.status, 200);
    assert.equal(page.url, `${stack.publicUrl}/api/whoami?x=%2F&y=a+b`);
    assert.deepEqual(page.json(), { user: 'alice', email: 'alice@example.com', preferred_username: 'alice', name: 'Alice Adams', groups: ['staff', 'admins'] });
    assert.deepEqual(visitor.loginCookies, [], 'the login cookie is gone');
  });

  test('sets a sealed session cookie that scripts can’t read', async () => {
    const visitor = stack.visitor();
    const answer = await visitor.navigate(await visitor.callbackUrl('/private/?q=1'));
    assert.equal(answer.status, 302);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(new URL(answer.headers.location, stack.publicUrl).href, `${stack.publicUrl}/private/?q=1`);
    const session = answer.setCookies.map(parseSetCookie).find(({ name }) => name === '__Host-oidc_id_token');
    assert.ok(session, 'the session cookie');
    const { attributes, value } = session;
    assert.equal(attributes.path, '/');
    assert.equal(attributes.samesite, 'Lax');
    assert.ok('httponly' in attributes && 'secure' in attributes && !('domain' in attributes));
    assert.ok(Number(attributes['max-age']) <= 604_800);
    assert.ok(value.length <= 3800);
    assert.ok(!Buffer.from(value, 'base64url').toString('latin1').includes('alice'), 'sealed');
  });

  test('needs no form while the provider remembers the visitor, and makes a new session each time', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    const first = visitor.cookies['__Host-oidc_id_token'];
    const page = await visitor.open('/oidc_login?next=/api/whoami');
    assert.equal(page.json().user, 'alice');
    assert.notEqual(visitor.cookies['__Host-oidc_id_token'], first);
  });

  test('passes non-ASCII claims percent-encoded', async () => {
    const page = await stack.visitor().signIn('/echo', 'carol');
    const headers = Object.fromEntries(page.json().headers.map(([name, value]) => [name.toLowerCase(), value]));
    assert.equal(headers['x-forwarded-name'], 'Carol %C3%87elik');
    assert.equal(headers['x-forwarded-email'], 'carol@example.org');
  });

  test('gives the claims to the visitor’s own scripts only', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    const claims = await visitor.fetch('/oidc_userinfo');
    assert.equal(claims.status, 200);
    assert.match(claims.headers['cache-control'], /no-store/);
    assert.equal(claims.json().sub, 'alice');
    const foreign = await visitor.fetch('/oidc_userinfo', { headers: { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' } });
    assert.ok(!foreign.text.includes('alice@example.com') || foreign.headers['access-control-allow-origin'] === undefined);
    assert.notEqual(foreign.status, 200);
  });

  test('works in parallel tabs, whichever ends first', async () => {
    const visitor = stack.visitor();
    const callbacks = [];
    callbacks.push(await visitor.callbackUrl('/api/whoami?tab=1'));
    callbacks.push(await visitor.callbackUrl('/api/whoami?tab=2'));
    callbacks.push(await visitor.callbackUrl('/api/whoami?tab=3'));
    for (const [i, url] of [...callbacks.entries()].reverse()) {
      const page = await visitor.open(url);
      assert.equal(page.url, `${stack.publicUrl}/api/whoami?tab=${i + 1}`);
      assert.equal(page.json().user, 'alice');
    }
  });

  test('keeps eight sign-ins at most, and the newest can be ended', async () => {
    const visitor = stack.visitor();
    for (let i = 0; i < 12; i += 1) await visitor.navigate(`/private/?tab=${i}`);
    assert.ok(visitor.loginCookies.length <= 8, `expected at most 8, got ${visitor.loginCookies.length}`);
    const page = await visitor.signIn('/api/whoami?tab=last');
    assert.equal(page.json().user, 'alice');
    assert.ok(visitor.loginCookies.length <= 8);
  });

  const nextAddresses = [
    ['/private/?a=1&b=2', '/private/?a=1&b=2'],
    ['https://evil.example/', undefined],
    ['//evil.example/', undefined],
    ['/\\evil.example/', undefined],
    ['\\\\evil.example/', undefined],
    ['/\t/evil.example/', undefined],
    ['/%09/evil.example', undefined],
    ['javascript:alert(1)', undefined],
    ['http:evil.example', undefined],
    ['/private/\r\nSet-Cookie: a=b', undefined],
    ['@evil.example', undefined],
    ['', undefined],
  ];
  for (const [next, expected] of nextAddresses) {
    test(`never leaves the site after it: next=${JSON.stringify(next)}`, async () => {
      const visitor = stack.visitor();
      const started = await visitor.navigate(`/oidc_login?next=${encodeURIComponent(next)}`);
      // A next that can't be followed may be refused at once, or forgotten.
      if (started.status === 400) return assert.equal(expected, undefined);
      assert.equal(started.status, 302);
      const answer = await visitor.navigate(await visitor.callbackUrl(`/oidc_login?next=${encodeURIComponent(next)}`));
      assert.equal(answer.status, 302);
      const { origin, href } = new URL(answer.headers.location, stack.publicUrl);
      assert.equal(origin, stack.publicUrl);
      assert.equal(answer.headers['set-cookie'].filter((cookie) => cookie.startsWith('a=b')).length, 0);
      if (expected) assert.equal(href, `${stack.publicUrl}${expected}`);
    });
  }
});

describe('a callback that isn’t this visitor’s', () => {
  /** Asserts that `url` is answered 400, without a token request or a cookie of a session. */
  async function isRefused(visitor, url, statuses = [400]) {
    const asked = tokenRequests();
    const answer = await visitor.navigate(url);
    assert.ok(statuses.includes(answer.status), `expected ${statuses}, got ${answer.status}`);
    assert.match(answer.headers['content-type'], /text\/html/);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(tokenRequests(), asked, 'no token request');
    const set = answer.setCookies.map(parseSetCookie);
    assert.ok(!set.some(({ name }) => isSessionCookie(name)), 'the session cookie is neither set nor taken');
    return answer;
  }

  const strangers = ['', '?', '?state=', '?code=abc', '?code=abc&state=unknown', '?error=access_denied', '?error=access_denied&state=unknown', '?state=%00&code=%ff'];
  for (const query of strangers) {
    test(`is refused: ${query || 'no query'}`, async () => {
      const answer = await isRefused(stack.visitor(), `/oidc_callback${query}`);
      assert.match(answer.text, /href=/, 'with a way to start again');
    });
  }

  test('is refused in another browser', async () => {
    await isRefused(stack.visitor(), await stack.visitor().callbackUrl());
  });

  test('is refused the second time, and the session stays', async () => {
    const visitor = stack.visitor();
    const url = await visitor.callbackUrl('/api/whoami');
    assert.equal((await visitor.open(url)).json().user, 'alice');
    await isRefused(visitor, url);
    assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
  });

  test('is refused with a parameter given twice', async () => {
    for (const name of ['code', 'state', 'iss']) {
      const visitor = stack.visitor();
      const url = new URL(await visitor.callbackUrl());
      url.searchParams.append(name, url.searchParams.get(name) ?? 'x');
      await isRefused(visitor, url.href);
    }
  });

  test('is refused when another provider says it sent it (RFC 9207)', async () => {
    for (const iss of ['https://evil.example', undefined]) {
      const visitor = stack.visitor();
      const url = new URL(await visitor.callbackUrl());
      if (iss) url.searchParams.set('iss', iss);
      else url.searchParams.delete('iss');
      await isRefused(visitor, url.href, [400, 502]);
      assert.deepEqual(visitor.sessionCookies, []);
    }
  });

  test('is refused with a tampered login cookie', async () => {
    const visitor = stack.visitor();
    const url = await visitor.callbackUrl();
    const [name] = visitor.loginCookies;
    const cookie = visitor.jar.get('localhost').get(name);
    cookie.value = `${cookie.value.slice(0, -2)}${cookie.value.endsWith('AA') ? 'BB' : 'AA'}`;
    await isRefused(visitor, url);
  });
});

describe('a provider that refuses', () => {
  test('a visitor who cancels is told so', async () => {
    const visitor = stack.visitor();
    const form = await visitor.open('/private/');
    const page = await visitor.submit(form, { cancel: '1' });
    assert.equal(page.status, 401);
    assert.ok(page.url.startsWith(`${stack.publicUrl}/oidc_callback?`));
    assert.ok(!page.text.includes('the visitor has cancelled'), 'the provider’s own text is not shown');
    assert.deepEqual(visitor.sessionCookies, []);
  });

  test('its error code can’t bring markup', async () => {
    const visitor = stack.visitor();
    const url = new URL(await visitor.callbackUrl());
    url.searchParams.delete('code');
    url.searchParams.set('error', '<script>alert(1)</script>');
    const page = await visitor.navigate(url.href);
    assert.ok([400, 401].includes(page.status));
    assert.ok(!page.text.includes('<script>alert'));
    assert.deepEqual(visitor.sessionCookies, []);
  });

  test('a code that it doesn’t know is 502, without its words', async () => {
    const visitor = stack.visitor();
    const url = new URL(await visitor.callbackUrl());
    url.searchParams.set('code', 'not-a-code');
    const page = await visitor.navigate(url.href);
    assert.equal(page.status, 502);
    assert.ok(!page.text.includes('invalid_grant') || !page.text.includes('grant request is invalid'));
    assert.deepEqual(visitor.sessionCookies, []);
  });
});

describe('a session cookie that was tampered with', () => {
  const changes = {
    'one bit': (value) => `${value.slice(0, 40)}${value[40] === 'A' ? 'B' : 'A'}${value.slice(41)}`,
    'cut short': (value) => value.slice(0, 30),
    'empty': () => '',
    'not base64': () => '"><script>',
    'very long': () => 'A'.repeat(8000),
    'control bytes': () => '%00%ff',
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`counts as none: ${what}`, async () => {
      const visitor = stack.visitor();
      await visitor.signIn();
      const cookie = visitor.jar.get('localhost').get('__Host-oidc_id_token');
      cookie.value = change(cookie.value);
      assert.equal((await visitor.fetch('/api/whoami')).status, 401);
    });
  }

  test('a login cookie in its place counts as none', async () => {
    const visitor = stack.visitor();
    await visitor.navigate('/private/');
    const [name] = visitor.loginCookies;
    const jar = visitor.jar.get('localhost');
    jar.set('__Host-oidc_id_token', jar.get(name));
    assert.equal((await visitor.fetch('/api/whoami')).status, 401);
  });

  test('without the prefix it counts as none', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    const jar = visitor.jar.get('localhost');
    jar.set('oidc_id_token', jar.get('__Host-oidc_id_token'));
    jar.delete('__Host-oidc_id_token');
    assert.equal((await visitor.fetch('/api/whoami')).status, 401);
  });
});

describe('too much', () => {
  test('of signing in again and again, in a browser that keeps no session, ends at a page', async () => {
    const visitor = stack.visitor();
    let page = await visitor.signIn('/private/', 'alice', { until: (url) => url === `${stack.publicUrl}/private/` });
    for (let i = 0; i < 10 && page.next; i += 1) {
      visitor.sessionCookies.forEach((name) => visitor.jar.get('localhost').delete(name));
      page = await visitor.open('/private/', { until: (url) => url === `${stack.publicUrl}/private/` });
    }
    assert.equal(page.next, undefined, 'no further redirect');
    assert.ok(page.status >= 400, `got ${page.status}`);
    assert.match(page.headers['content-type'], /text\/html/);
  });

  test('of what an anonymous caller can cause is throttled, and costs nobody else a page', async () => {
    const limited = await startStack({ rateLimit: 3 });
    try {
      const visitor = limited.visitor();
      const statuses = [];
      for (let i = 0; i < 6; i += 1) statuses.push((await visitor.navigate('/private/')).status);
      assert.deepEqual(statuses.slice(0, 3), [302, 302, 302]);
      assert.deepEqual(statuses.slice(3), [429, 429, 429]);
      assert.equal((await visitor.navigate('/public/')).status, 200);
      assert.equal((await visitor.navigate('/oidc_health')).status, 200);
    } finally {
      await limited.close();
    }
  });

  test('is not held up by a rate limit that never answers', async () => {
    const stuck = await startStack({ rateLimit: -1 });
    try {
      const answer = await Promise.race([stuck.visitor().navigate('/private/'), sleep(20_000)]);
      assert.equal(answer?.status, 302, 'nobody is locked out');
    } finally {
      await stuck.close();
    }
  });
});

test('nothing secret is in the log', () => {
  const log = stack.worker.log();
  for (const secret of ['client-secret-for-tests-only', 'secret-key-for-tests-only', 'eyJ', 'alice@example.com', 'panicked']) {
    assert.ok(!log.includes(secret), `the log has ${secret}`);
  }
});
