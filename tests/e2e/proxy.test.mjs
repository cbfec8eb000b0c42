// What reaches the origin and what comes back: contract §4 and §5.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { GZIP_TEXT } from '../../demo/origin.mjs';
import { openWebSocket, rawGet, rawRequest, request } from './support/http.mjs';
import { marker, startStack } from './support/stack.mjs';
import { freePort } from './support/workerd.mjs';

let stack;
let alice;
before(async () => {
  stack = await startStack();
  alice = stack.visitor();
  await alice.signIn();
});
after(() => stack?.close());

/** What the origin's /echo has received: headers as a list of pairs with names in lower case. */
function received(answer) {
  const echoed = answer.json();
  return { ...echoed, headers: echoed.headers.map(([name, value]) => [name.toLowerCase(), value]) };
}

function valuesOf(echoed, name) {
  return echoed.headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** Whether a target that contains `mark` has got to the origin. */
const hasArrived = (mark) => stack.origin.requests.some(({ target }) => target.includes(mark));

// They reach the Worker joined by commas. Browsers send one, and proxies join them by semicolons (RFC 9113 §8.2.3).
describe('two Cookie headers', () => {
  test('don’t show our cookies to the origin, and sign nobody in by what may be another cookie’s value', async () => {
    const own = Object.entries(alice.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    for (const [path, lines, known] of [
      ['/echo', [own, 'a=1'], true], ['/echo', [`a=1; ${own}`, 'b=2'], true],
      ['/echo', ['a=1', own], false], ['/echo', [`a=1, ${own}`], false], ['/echo', [`a=1,${own}; b=2`], false],
      ['/public/echo', ['a=1', own], false], ['/public/echo', ['a=1', `${own}; b=2`], false], ['/public/echo', [`a=1, ${own}, b=2`], false],
    ]) {
      const cookies = lines.map((line) => `Cookie: ${line}\r\n`).join('');
      const answer = await rawRequest(stack.port, `GET ${path} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nConnection: close\r\n${cookies}\r\n`);
      const what = JSON.stringify([path, ...lines.map((line) => line.slice(0, 20))]);
      assert.equal(answer.status, known || path === '/public/echo' ? 200 : 401, what);
      for (const [name, value] of Object.entries(alice.cookies)) {
        assert.ok(!answer.body.includes(name) && !answer.body.includes(value.slice(0, 40)), `${name} reaches the origin: ${what}`);
      }
      assert.equal(/"x-forwarded-user",\s*"alice"/i.test(answer.body), known, what);
      if (answer.status === 200) assert.match(answer.body, /a=1/, what);
    }
  });
});

describe('rules', () => {
  test('public: nobody is asked and no cookie is set', async () => {
    const visitor = stack.visitor();
    for (const target of ['/public', '/public/', '/public/a/b']) {
      const answer = await visitor.navigate(target);
      assert.ok([200, 404].includes(answer.status), target);
      assert.deepEqual(answer.setCookies, []);
    }
    assert.deepEqual(visitor.cookies, {});
  });

  test('public: what only begins like it is not public', async () => {
    for (const target of ['/publicity', '/PUBLIC/', '/public.html']) {
      assert.equal((await stack.visitor().navigate(target)).status, 302, target);
    }
  });

  test('optional: an identity if there is one', async () => {
    assert.equal((await stack.visitor().navigate('/')).status, 200);
    assert.match((await alice.navigate('/')).text, /knows you as alice/);
  });

  test('deny: 403, signed in or not, and never at the origin', async () => {
    const mark = marker();
    for (const visitor of [alice, stack.visitor()]) {
      assert.equal((await visitor.navigate(`/admin/?${mark}`)).status, 403);
      assert.equal((await visitor.fetch(`/admin?${mark}`)).status, 403);
    }
    assert.ok(!hasArrived(mark));
  });

  test('claims: who falls short gets 403, as a page or as JSON', async () => {
    const mark = marker();
    const bob = stack.visitor();
    await bob.signIn('/private/', 'bob');
    const page = await bob.navigate(`/staff/?${mark}`);
    assert.equal(page.status, 403);
    assert.match(page.headers['content-type'], /text\/html/);
    const json = await bob.fetch(`/staff/?${mark}`);
    assert.equal(json.status, 403);
    assert.match(json.headers['content-type'], /application\/json/);
    assert.ok(!hasArrived(mark));
    await alice.navigate(`/staff/?${mark}`);
    assert.ok(hasArrived(mark));
  });
});

describe('a preflight of another site', () => {
  const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization', 'Sec-Fetch-Mode': 'cors', 'X-Forwarded-User': 'mallory' };

  test('is answered by the origin where a rule says so, and by nobody else', async () => {
    const open = await startStack({ vars: { OIDC_RULES: [{ path: '/echo/*', methods: ['OPTIONS'], access: 'public' }] } });
    try {
      const answer = await request({ port: open.port, method: 'OPTIONS', target: '/echo/a', headers });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.setCookies, []);
      const echoed = received(answer);
      assert.deepEqual([echoed.method, valuesOf(echoed, 'origin')[0], valuesOf(echoed, 'x-forwarded-user')], ['OPTIONS', headers.Origin, []]);
      for (const [method, target] of [['OPTIONS', '/api/whoami'], ['POST', '/echo/a'], ['GET', '/echo/a']]) {
        const refused = await request({ port: open.port, method, target, headers });
        assert.deepEqual([refused.status, refused.json().error], [401, 'login_required'], `${method} ${target}`);
        assert.ok(!Object.keys(refused.headers).some((name) => name.startsWith('access-control-')));
      }
      assert.equal(open.origin.requests.length, 1);
    } finally {
      await open.close();
    }
  });
});

describe('identity headers', () => {
  const file = readFileSync(new URL('../vectors/header_spoofs.txt', import.meta.url), 'utf8');
  const spoofs = file.split('\n').filter((line) => line && !line.startsWith('#')).map((name) => [name, 'mallory']);
  assert.ok(spoofs.length > 20, 'the file was found');

  test('of a signed-in visitor are the Worker’s alone', async () => {
    const cookie = alice.cookieHeader('localhost', '/echo');
    const echoed = received(await request({ port: stack.port, target: '/echo', headers: [['Cookie', cookie], ...spoofs] }));
    assert.deepEqual(valuesOf(echoed, 'x-forwarded-user'), ['alice']);
    assert.deepEqual(valuesOf(echoed, 'x-forwarded-email'), ['alice@example.com']);
    assert.deepEqual(valuesOf(echoed, 'x-forwarded-preferred-username'), ['alice']);
    assert.deepEqual(valuesOf(echoed, 'x-forwarded-name'), ['Alice Adams']);
    assert.deepEqual(valuesOf(echoed, 'x-forwarded-groups'), ['staff,admins']);
    assert.ok(!/mallory/i.test(JSON.stringify(echoed)), 'nothing of the spoofs');
  });

  test('are scrubbed from anonymous requests too', async () => {
    assert.ok(!/mallory/i.test((await request({ port: stack.port, target: '/', headers: spoofs })).text));
    const open = await startStack({ vars: { OIDC_RULES: [{ path: '/*', access: 'public' }] } });
    try {
      const echoed = received(await request({ port: open.port, target: '/echo', headers: spoofs }));
      assert.ok(!/mallory|"admins"/i.test(JSON.stringify(echoed)));
    } finally {
      await open.close();
    }
  });

  test('leave all other headers alone', async () => {
    const headers = { 'X-Custom': 'a, b', 'X-Userx': '1', Authorization: 'Basic dXNlcjpwdw==', 'Accept-Language': 'de' };
    const echoed = received(await alice.send('/echo', { headers }));
    assert.deepEqual(valuesOf(echoed, 'x-custom'), ['a, b']);
    assert.deepEqual(valuesOf(echoed, 'x-userx'), ['1']);
    assert.deepEqual(valuesOf(echoed, 'accept-language'), ['de']);
    assert.deepEqual(valuesOf(echoed, 'authorization'), ['Basic dXNlcjpwdw==']);
  });

  test('can’t be taken away by Connection, on any route and method', async () => {
    for (const [target, user] of [['/echo', ['alice']], ['/private/', undefined]]) {
      for (const method of ['GET', 'OPTIONS']) {
        const cookie = alice.cookieHeader('localhost', target);
        const named = 'x-forwarded-user, X-Forwarded-Email, cookie, x-forwarded-proto';
        const answer = await rawRequest(stack.port, `${method} ${target} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nCookie: ${cookie}\r\nConnection: close, ${named}\r\nKeep-Alive: x-forwarded-user\r\nX-Forwarded-User: mallory\r\n\r\n`);
        assert.equal(answer.status, 200, `${method} ${target}`);
        assert.ok(!answer.body.includes('mallory'));
        if (user) {
          const echoed = received({ json: () => JSON.parse(answer.body.slice(answer.body.indexOf('{'), answer.body.lastIndexOf('}') + 1)) });
          assert.deepEqual(valuesOf(echoed, 'x-forwarded-user'), user);
          assert.ok(!/x-forwarded/i.test(valuesOf(echoed, 'connection').join()), 'nothing that the next hop would drop');
        }
      }
    }
  });

  test('tell whence a request came by what the platform knows', async () => {
    const headers = { 'CF-Connecting-IP': '203.0.113.7', 'X-Forwarded-For': '10.0.0.1', Forwarded: 'for=10.0.0.1', 'X-Forwarded-Proto': 'gopher', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Port': '1' };
    for (const visitor of [alice, stack.visitor()]) {
      const echoed = received(await visitor.send(visitor === alice ? '/echo' : '/public/echo', { headers }));
      assert.deepEqual(valuesOf(echoed, 'x-forwarded-for'), ['203.0.113.7']);
      assert.deepEqual(valuesOf(echoed, 'x-forwarded-proto'), ['http']);
      assert.deepEqual(valuesOf(echoed, 'x-forwarded-host'), [`localhost:${stack.port}`]);
      assert.ok(!/gopher|evil|10\.0\.0\.1/.test(JSON.stringify(echoed)));
    }
  });

  test('of 20 kB pass whole', async () => {
    const value = 'x'.repeat(20_000);
    const echoed = received(await alice.send('/echo', { headers: { 'X-Long': value, X_Forwarded_User: value } }));
    assert.deepEqual(valuesOf(echoed, 'x-long'), [value]);
    assert.deepEqual(valuesOf(echoed, 'x_forwarded_user'), []);
  });
});

describe('cookies', () => {
  test('of the Worker stay with it, those of the origin pass', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    await visitor.fetch('/private/');
    await stack.visitor().navigate('/private/');
    visitor.jar.get('localhost').set('theme', { value: 'da=rk', path: '/' });
    visitor.jar.get('localhost').set('basket', { value: '"1,2"', path: '/' });
    const echoed = received(await visitor.send('/echo'));
    assert.deepEqual(valuesOf(echoed, 'cookie').join('; '), 'theme=da=rk; basket="1,2"');
  });

  test('alone of the Worker leave no Cookie header', async () => {
    assert.deepEqual(valuesOf(received(await alice.send('/echo')), 'cookie'), []);
  });

  test('between odd ones still count', async () => {
    const cookie = `;;; =; a; b=; ${alice.cookieHeader('localhost', '/')};; c="`;
    assert.equal((await request({ port: stack.port, target: '/api/whoami', headers: { Cookie: cookie } })).json().user, 'alice');
  });

  test('of sign-ins under way stay with the Worker as well', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    await visitor.navigate('/oidc_login?next=/');
    assert.ok(visitor.loginCookies.length > 0);
    assert.deepEqual(valuesOf(received(await visitor.send('/echo')), 'cookie'), []);
  });

  test('the origin can’t set the Worker’s', async () => {
    const visitor = stack.visitor();
    await visitor.signIn();
    const session = visitor.cookies['__Host-oidc_id_token'];
    const answer = await visitor.send('/set-cookie');
    assert.ok(answer.setCookies.some((cookie) => cookie.startsWith('theme=dark')));
    assert.ok(answer.setCookies.some((cookie) => cookie.startsWith('basket=1%2C2')));
    assert.ok(!answer.setCookies.some((cookie) => cookie.startsWith('__Host-oidc_id_token')));
    assert.equal(visitor.cookies['__Host-oidc_id_token'], session);
  });
});

describe('the path', () => {
  const ambiguous = [
    '/public/../private/', '/public/./x', '/public/..', '/public/%2e%2e/private/', '/public/%2E%2E/private/', '/public/.%2e/private/', '/public/%2e./private/',
    '/public/%2e/x', '/public/..%2fprivate/', '/public/%2e%2e%2fprivate/', '/public/%252e%252e/private/', '/public/%25252e%25252e/private/', '/public/x%2fy',
    '/public/x%2Fy', '/public/x%252fy', '/public\\..\\private\\', '/public/..\\private', '/public/%5c..%5cprivate', '/public/%5C', '/public/%255c', '/public/%00', '/public/a%00b',
    '/public/%2500', '/../private/', '/..', '/%2e%2e',
  ];
  for (const target of ambiguous) {
    test(`is refused where it can be read in two ways: ${target}`, async () => {
      const mark = marker();
      const anonymous = await rawGet(stack.port, `${target}?${mark}`);
      assert.equal(anonymous.status, 400);
      const signedIn = await rawGet(stack.port, `${target}?${mark}`, { Cookie: alice.cookieHeader('localhost', '/') });
      assert.equal(signedIn.status, 400);
      assert.ok(!hasArrived(mark));
    });
  }

  const plain = [
    '/echo', '/echo/', '/echo/a%20b', '/echo/%C3%BC', '/echo/a+b', '/echo/a:b@c;d=e,f', '/echo/~-._', '/echo/%7Euser', '/echo/...', '/echo/..a', '/echo/a..', '/echo/%41',
    '/echo?', '/echo?a=%2F&b=..%2f..&a=%00', '/echo?next=/../x&y=\\', '/echo?%E4%FF', "/echo/'()*!$&",
  ];
  for (const target of plain) {
    test(`reaches the origin byte for byte: ${target}`, async () => {
      const answer = await alice.send(target);
      assert.equal(answer.status, 200);
      assert.equal(received(answer).target, target);
    });
  }

  test('of an own endpoint never reaches the origin', async () => {
    const mark = marker();
    for (const path of ['/oidc_callback', '/oidc_login', '/oidc_signed_out', '/oidc_userinfo', '/oidc_health']) await stack.visitor().navigate(`${path}?${mark}`);
    assert.ok(!hasArrived(mark));
  });

  test('in absolute form or to another host opens no other door', async () => {
    const mark = marker();
    const absolute = await rawRequest(stack.port, `GET http://localhost:${stack.port}/public/../private/?${mark} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.notEqual(absolute.status, 200);
    assert.ok(!hasArrived(mark));
  });
});

describe('methods, bodies and statuses', () => {
  for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'MKCOL', 'REPORT']) {
    test(`${method} passes as it is`, async () => {
      const mark = marker();
      const answer = await alice.send(`/echo?${mark}`, { method });
      assert.equal(answer.status, 200);
      assert.equal(stack.origin.requests.find(({ target }) => target.includes(mark)).method, method);
    });
  }

  test('a large body arrives whole', async () => {
    const body = randomBytes(5 * 1024 * 1024);
    const echoed = received(await alice.send('/echo', { method: 'PUT', body, headers: { 'Content-Type': 'application/octet-stream' } }));
    assert.equal(echoed.body.length, body.length);
    assert.equal(echoed.body.sha256, createHash('sha256').update(body).digest('hex'));
  });

  test('a body goes to the origin while it is still coming', async () => {
    const mark = marker();
    const outgoing = http.request({
      host: '127.0.0.1', port: stack.port, method: 'POST', path: `/echo?${mark}`, agent: false,
      headers: { Host: `localhost:${stack.port}`, Cookie: alice.cookieHeader('localhost', '/'), 'Transfer-Encoding': 'chunked' },
    });
    const answered = new Promise((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.on('response', async (response) => resolve(JSON.parse(Buffer.concat(await response.toArray()).toString())));
    });
    outgoing.write('first,');
    for (let i = 0; i < 50 && !hasArrived(mark); i += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(hasArrived(mark), 'the origin has the request before its body has ended');
    outgoing.end('last');
    assert.equal((await answered).body.sha256, createHash('sha256').update('first,last').digest('hex'));
  });

  test('an answer comes while the origin is still writing it', async () => {
    const times = await new Promise((resolve, reject) => {
      const seen = [];
      http.get({ host: '127.0.0.1', port: stack.port, path: '/events?count=6', agent: false, headers: { Host: `localhost:${stack.port}`, Cookie: alice.cookieHeader('localhost', '/') } }, (response) => {
        assert.match(response.headers['content-type'], /event-stream/);
        response.on('data', () => seen.push(Date.now()));
        response.on('end', () => resolve(seen));
      }).on('error', reject);
    });
    assert.ok(times.length >= 4, `expected the events one by one, got ${times.length} pieces`);
    assert.ok(times.at(-1) - times[0] >= 300, 'spread over time');
  });

  for (const status of [200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 410, 418, 429, 500, 503, 599]) {
    test(`${status} comes back as it is`, async () => {
      const answer = await alice.send(`/status?code=${status}`);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['x-origin-status'], String(status));
      if (status >= 300 && status < 400) assert.equal(answer.headers.location, '/elsewhere?a=1');
    });
  }

  test('a compressed answer comes back byte for byte', async () => {
    const answer = await rawGet(stack.port, '/gzip', { Cookie: alice.cookieHeader('localhost', '/'), 'Accept-Encoding': 'gzip' });
    assert.match(answer.head, /^content-encoding: gzip\r?$/im);
    assert.equal(Buffer.from(answer.body, 'latin1').length, Number(answer.head.match(/^content-length: (\d+)/im)[1]));
    assert.equal(gunzipSync(Buffer.from(answer.body, 'latin1')).toString(), GZIP_TEXT);
  });

  test('many requests at once are all answered', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => alice.fetch('/api/whoami')));
    assert.deepEqual(answers.filter((answer) => answer.status !== 200 || answer.json().user !== 'alice'), []);
  });

  test('a header that isn’t ASCII harms nobody', async () => {
    const lines = `GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: ${alice.cookieHeader('localhost', '/')}\r\n`;
    const answer = await rawRequest(stack.port, Buffer.from(`${lines}X-Drink: caf\u00e9\r\n\r\n`, 'latin1'));
    assert.equal(answer.status, 200);
  });

  test('a visitor who leaves in the middle harms nobody', async () => {
    await new Promise((resolve) => {
      const outgoing = http.get({ host: '127.0.0.1', port: stack.port, path: '/events?count=20', agent: false, headers: { Host: `localhost:${stack.port}`, Cookie: alice.cookieHeader('localhost', '/') } }, (response) => {
        response.once('data', () => outgoing.destroy());
        response.on('error', () => {});
        response.on('close', resolve);
      });
      outgoing.on('error', () => {});
    });
    assert.equal((await alice.fetch('/api/whoami')).json().user, 'alice');
  });
});

describe('WebSockets', () => {
  test('pass for who is signed in', async () => {
    const socket = await openWebSocket({ port: stack.port, target: '/ws', headers: { Cookie: alice.cookieHeader('localhost', '/'), 'X-Forwarded-User': 'mallory' } });
    assert.equal(socket.status, 101);
    assert.equal(await socket.next(), 'hello alice');
    const long = 'x'.repeat(70_000);
    for (const message of ['one', 'zwei ü', long]) {
      socket.send(message);
      assert.equal(await socket.next(), message);
    }
    socket.close();
  });

  test('are refused with 401 to all others, before the origin', async () => {
    const mark = marker();
    const socket = await openWebSocket({ port: stack.port, target: `/ws?${mark}` });
    assert.equal(socket.status, 401);
    assert.ok(!hasArrived(mark));
  });
});

describe('caching', () => {
  const directives = (answer) => (answer.headers['cache-control'] ?? '').split(',').map((part) => part.trim().split('=')[0]);

  test('an answer made for an identity is private', async () => {
    assert.ok(directives(await alice.send('/api/whoami')).includes('private'));
  });

  test('a rule with cache: public lets the origin’s stand', async () => {
    const answer = await alice.send('/cache');
    assert.equal(answer.headers['cache-control'], 'public, max-age=600, s-maxage=3600');
    assert.equal(answer.json().user, null, 'it is made for nobody in particular');
  });

  test('public and s-maxage of the origin are dropped, the rest stands', async () => {
    const strict = await startStack({ vars: { OIDC_RULES: [{ path: '/public/*', access: 'public' }, { path: '/*', access: 'login' }] } });
    try {
      const visitor = strict.visitor();
      await visitor.signIn();
      const answer = await visitor.send('/cache');
      assert.ok(directives(answer).includes('private'));
      assert.ok(directives(answer).includes('max-age'));
      assert.ok(!directives(answer).includes('public') && !directives(answer).includes('s-maxage'));
      assert.equal(answer.headers.etag, '"demo-1"');
      const noStore = await visitor.send('/cache?control=no-store');
      assert.ok(directives(noStore).includes('no-store'));
      // What is private by itself stays as it came, unless another header says something else to shared caches.
      for (const cdn of ['', '&cdn=max-age%3D60']) {
        const own = await visitor.send(`/cache?control=max-age%3D0,%20private${cdn}`);
        assert.deepEqual([own.headers['cache-control'], own.headers['cdn-cache-control']], ['max-age=0, private', undefined]);
      }
    } finally {
      await strict.close();
    }
  });

  test('an answer of a public path keeps the origin’s', async () => {
    const open = await startStack({ vars: { OIDC_RULES: [{ path: '/*', access: 'public' }] } });
    try {
      assert.equal((await open.visitor().send('/cache')).headers['cache-control'], 'public, max-age=600, s-maxage=3600');
    } finally {
      await open.close();
    }
  });
});

describe('where the origin is', () => {
  test('behind the ORIGIN binding', async () => {
    const bound = await startStack({ bound: true });
    try {
      const visitor = bound.visitor();
      assert.equal((await visitor.signIn('/api/whoami')).json().user, 'alice');
      assert.equal(received(await visitor.send('/echo/%7e?a=%2f')).target, '/echo/%7e?a=%2f');
    } finally {
      await bound.close();
    }
  });

  test('behind the Worker’s route, at the request’s own URL', async () => {
    const routed = await startStack({ routed: true });
    try {
      const visitor = routed.visitor();
      assert.equal((await visitor.signIn('/api/whoami')).json().user, 'alice');
      for (const target of ['/echo/%7e?a=%2f', "/echo?it's=%e9", '/echo/?']) {
        const echoed = received(await visitor.send(target));
        assert.equal(echoed.target, target);
        assert.deepEqual(valuesOf(echoed, 'host'), [`localhost:${routed.port}`]);
        assert.deepEqual(valuesOf(echoed, 'x-forwarded-user'), ['alice']);
      }
      const socket = await openWebSocket({ port: routed.port, target: '/ws', headers: { Cookie: visitor.cookieHeader('localhost', '/') } });
      assert.equal(await socket.next(), 'hello alice');
      socket.close();
    } finally {
      await routed.close();
    }
  });

  test('at a URL with a path, which comes before the request’s', async () => {
    const stackWithPath = await startStack({ vars: { OIDC_ORIGIN: `${stack.origin.url}/echo` } });
    try {
      const visitor = stackWithPath.visitor();
      const page = await visitor.signIn('/a/b?c=d');
      assert.equal(page.json().target, '/echo/a/b?c=d');
    } finally {
      await stackWithPath.close();
    }
  });

  test('nowhere: 502, as a page or as JSON', async () => {
    const lost = await startStack({ vars: { OIDC_ORIGIN: `http://127.0.0.1:${await freePort()}` } });
    try {
      const visitor = lost.visitor();
      const page = await visitor.signIn('/private/');
      assert.equal(page.status, 502);
      assert.match(page.headers['content-type'], /text\/html/);
      const json = await visitor.fetch('/api/whoami');
      assert.equal(json.status, 502);
      assert.match(json.headers['content-type'], /application\/json/);
      assert.notDeepEqual(visitor.sessionCookies, [], 'the session stays');
    } finally {
      await lost.close();
    }
  });
});
