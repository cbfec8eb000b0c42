// The guard around a handler, as a package in the same Worker and over a service binding: what it promises of any origin.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWebSocket, rawGet } from './support/http.mjs';
import { getToken, presented, withMachine } from './support/machine.mjs';
import { KINDS, logged, packed } from './support/npm.mjs';
import { accessToken } from './support/stack.mjs';
import { visitOf } from '../../src/edge/visit.js';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

let npm;
before(async () => (npm = await packed()));
after(() => npm?.close());

test('a handler may change the visit it is given, and the next request has one of its own', () => {
  for (const told of ['', 'session{"sub":"alice"}']) {
    const fresh = structuredClone(visitOf(told));
    const visit = visitOf(told);
    Object.assign(visit, { by: 'token', subject: 'admin' });
    visit.claims.groups = ['admins'];
    assert.deepEqual(visitOf(told), fresh);
  }
});

for (const [kind, { from, more }] of Object.entries(KINDS)) {
  describe(`the guard as ${kind}`, () => {
    let bundle;
    let stack;
    before(async () => {
      const project = await npm.project(kind);
      project.write(`
        import { guard } from "${from}";
        ${more}
        class App {
          greeting = "hello";
          async fetch(request, env, context, visit) {
            switch (new URL(request.url).pathname) {
              case "/throw": throw new Error("the handler is broken: 4711");
              case "/nothing": return { status: 200 };
              case "/cookies": return new Response("", { headers: [["Set-Cookie", "__Host-oidc_id_token=mine"], ["Set-Cookie", "theirs=1"], ["Cache-Control", "public, max-age=60"]] });
              case "/length": return new Response(String((await request.arrayBuffer()).byteLength));
              case "/socket": {
                const [outer, inner] = Object.values(new WebSocketPair());
                inner.accept();
                inner.addEventListener("message", ({ data }) => inner.send(visit.subject + " " + data));
                return new Response(null, { status: 101, webSocket: outer });
              }
            }
            context.waitUntil(Promise.resolve());
            const { url, method } = request;
            return Response.json({ url, method, headers: Object.fromEntries(request.headers), body: await request.text(), visit, greeting: this.greeting });
          }
        }
        export default guard(new App());
      `);
      bundle = await project.bundle();
      stack = await npm.start(kind, bundle, {
        vars: {
          OIDC_RULES: [
            { path: '/open', access: 'optional' },
            { path: '/public', access: 'public' },
            { path: '/cached', access: 'login', cache: 'public' },
            { path: '/staff', access: 'login', claims: { groups: 'admins' } },
            { path: '/token', access: 'token' },
            { path: '/*', access: 'login' },
          ],
          OIDC_SESSION_CHECK_INTERVAL: 1,
        },
      });
    });

    test('hands on the request that an origin would get, and who sent it', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/open/sesame');
      const headers = { 'X-Forwarded-User': 'mallory', X_Forwarded_Email: 'mallory@example.com', 'X-Own': 'kept', 'Content-Type': 'text/plain' };
      const echoed = (await visitor.fetch('/any/%C3%A9?a=b%20c', { method: 'PUT', headers, body: 'the body' })).json();
      assert.deepEqual([echoed.method, echoed.body, echoed.greeting], ['PUT', 'the body', 'hello']);
      assert.equal(echoed.url, `${stack.publicUrl}/any/%C3%A9?a=b%20c`);
      assert.equal(echoed.headers['x-forwarded-user'], 'alice');
      assert.equal(echoed.headers['x_forwarded_email'], undefined);
      assert.equal(echoed.headers['x-own'], 'kept');
      assert.equal(echoed.headers.cookie, undefined, 'the guard’s cookies are its own');
      assert.deepEqual([echoed.visit.by, echoed.visit.subject], ['session', 'alice']);
      assert.deepEqual(echoed.visit.claims.groups, ['staff', 'admins']);
      assert.deepEqual(stack.origin.requests, []);
    });

    test('tells of nobody, of nobody where it may not, and of a token', async () => {
      const visitor = stack.visitor();
      const nobody = { by: 'nobody', claims: {} };
      assert.deepEqual((await visitor.fetch('/open', { headers: { 'X-Forwarded-User': 'mallory' } })).json().visit, nobody);
      await visitor.signIn('/');
      assert.equal((await visitor.fetch('/open')).json().visit.subject, 'alice');
      for (const target of ['/public', '/cached']) {
        const shared = await visitor.fetch(target);
        assert.deepEqual(shared.json().visit, nobody, target);
        assert.equal(shared.headers['cache-control'], undefined);
      }
      const missing = await visitor.fetch('/token');
      assert.deepEqual([missing.status, missing.json().error], [401, 'invalid_token']);
      const { visit, headers } = (await visitor.fetch('/token', { headers: { Authorization: `Bearer ${await accessToken(stack, 'openid')}` } })).json();
      assert.deepEqual([visit.by, visit.subject, visit.claims.client_id, visit.claims.scope], ['token', 'alice', 'edge-oidc-demo', 'openid']);
      assert.equal(headers.authorization, undefined, 'the token is not handed on unless it is asked for');
    });

    test('hears of what a token is bound to', async () => {
      const [AUDIENCE, SCOPE, CF] = ['https://api.example/', 'read', 'x-request-cf'];
      const rules = [{ path: '/*', access: 'token' }];
      const api = await npm.start(kind, bundle, {
        cf: CF,
        provider: { configure: withMachine({ format: 'jwt', scope: SCOPE, boundToCertificate: true }) },
        vars: { OIDC_AUDIENCE: [AUDIENCE], OIDC_ACCESS_TOKENS: 'jwt', OIDC_RULES: rules },
      });
      const { access_token: token } = await getToken(api.provider.issuer, { resource: AUDIENCE, scope: SCOPE, withCertificate: true });
      const ask = (headers) => api.visitor().fetch('/api', { headers: { Authorization: `Bearer ${token}`, ...headers } });
      assert.equal((await ask({ [CF]: JSON.stringify({ tlsClientAuth: presented }) })).json().visit.by, 'token');
      assert.equal((await ask({})).status, 401);
    });

    test('answers those who may not pass itself', async () => {
      const bob = stack.visitor();
      await bob.signIn('/', 'bob');
      assert.equal((await bob.fetch('/staff')).status, 403);
      // What a parser would make another path of is judged as it was sent.
      for (const target of ['/public/%2e%2e/staff', '/x/../public', '/public%5c', '/x/%2f']) {
        assert.equal((await rawGet(stack.port, target)).status, 400, target);
      }
      assert.equal((await bob.fetch('/oidc_health')).text, '{"status":"ok"}');
    });

    test('keeps its cookies and marks what is for one visitor', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      const answer = await visitor.fetch('/cookies');
      assert.deepEqual(answer.setCookies, ['theirs=1']);
      assert.equal(answer.headers['cache-control'], 'private, max-age=60');
      assert.equal((await visitor.fetch('/any')).status, 200, 'and the session goes on');
    });

    test('leaves a large upload to the handler', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      const body = 'x'.repeat(20_000_000);
      for (const headers of [{ 'Content-Type': 'application/octet-stream' }, FORM, { 'Content-Type': 'multipart/form-data; boundary=y', 'Sec-Fetch-Mode': 'navigate' }]) {
        const answer = await visitor.fetch('/length', { method: 'POST', headers, body });
        assert.deepEqual([answer.status, answer.text], [200, '20000000'], JSON.stringify(headers));
      }
    });

    test('keeps a form that meets the end of a session', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      const form = { method: 'POST', headers: { ...FORM, 'Sec-Fetch-Site': 'same-origin', Origin: stack.publicUrl }, body: 'text=long+thought' };
      const other = stack.visitor();
      other.jar = structuredClone(visitor.jar);
      await visitor.signOut('everywhere=1');
      // The copy's session is over as soon as it is looked at again.
      const until = Date.now() + 30_000;
      let sent;
      do sent = await other.navigate('/note', form);
      while (sent.status === 200 && Date.now() < until && (await sleep(300, true)));
      assert.equal(sent.status, 302, sent.text);
      const ended = structuredClone(other.jar);
      const page = await other.open(sent.headers.location);
      assert.match(page.text, /name="text" value="long thought"/);
      for (const [type, body] of [
        ['text/plain', 'text=long thought\r\n'],
        ['multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nlong thought\r\n--x--\r\n'],
      ]) {
        const send = (target) => other.navigate(target, { ...form, headers: { ...form.headers, 'Content-Type': type }, body });
        other.jar = structuredClone(ended);
        const kept = await send('/note');
        assert.equal(kept.status, 302, type);
        const asking = await other.open(kept.headers.location);
        assert.match(asking.text, /name="text" value="long thought/, type);
        assert.equal((await send(asking.url)).headers.location, '/note', type);
      }
    });

    test('has faults of the handler in the log, as they are', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      assert.equal((await visitor.fetch('/throw')).status, 500);
      await logged(stack, /the handler is broken: 4711/);
      assert.equal((await visitor.fetch('/nothing')).status, 500);
      await logged(stack, /edge-oidc: "fetch" of the guarded handler is to return a Response, not an object with "status"/);
    });

    test('lets the handler open a WebSocket', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      const socket = await openWebSocket({ port: stack.port, target: '/socket', headers: { Cookie: visitor.cookieHeader('localhost', '/') } });
      assert.equal(socket.status, 101);
      socket.send('is here');
      assert.equal(await socket.next(), 'alice is here');
      if (kind === 'service-binding') return socket.close();
      await visitor.signOut();
      const ending = Promise.race([socket.closed, sleep(30_000, 'it is still open', { ref: false })]);
      assert.equal(await ending, 1008, 'it ends with the session');
    });
  });
}
