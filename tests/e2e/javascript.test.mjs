// Workers in JavaScript and TypeScript: the guard as a package in them, and as a service binding that they ask. The package
// is packed, installed and bundled as its users do it, and runs in workerd with a real sign-in.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider, workerClient } from '../../demo/provider.mjs';
import { ROOT } from '../../scripts/lib/run.mjs';
import { openWebSocket, rawGet } from './support/http.mjs';
import { getToken, presented, withMachine } from './support/machine.mjs';
import { packed } from './support/npm.mjs';
import { CLIENT_SECRET, SECRET_KEY, accessToken, startStack } from './support/stack.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort } from './support/workerd.mjs';
import { startWrangler } from './support/wrangler.mjs';

/** The examples, and how each says what guards it. */
const KINDS = {
  'npm-package': { from: 'edge-oidc', more: 'export { SessionVault } from "edge-oidc";' },
  'service-binding': { from: 'edge-oidc/binding', more: '' },
};

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

const started = [];
let npm;
before(async () => {
  npm = await packed();
  started.push(npm);
});
after(() => Promise.all(started.map((part) => part.close())));

/** A project's Worker with the stack around it: before the stock guard, or with the guard in it. */
async function start(kind, bundle, options) {
  const { build, modules } = bundle;
  const worker = kind === 'npm-package' ? { build, modules, durable: true } : { asker: join(build, 'index.js') };
  // With an origin that is configured, and never asked.
  const stack = await startStack({ ...worker, ...options });
  started.push(stack);
  return stack;
}

/** What the examples say of nobody and of Alice, and where. */
const WHO = {
  'npm-package': ['/', 'Not logged in', 'Welcome alice@example.com'],
  'service-binding': ['/who', '{"by":"nobody","claims":{}}', '{"by":"session","claims":{"email":"alice@example.com","sub":"alice"}}'],
};

/** An example under `wrangler dev` by its own files, but for the provider; with the guard beside it if it has none in it. */
async function dev(kind, { folder }) {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const clientId = kind === 'npm-package' ? kind : 'edge-oidc';
  const provider = await startProvider({ clients: [workerClient({ clientId, clientSecret: CLIENT_SECRET, publicUrl })] });
  const secrets = { OIDC_SECRET_KEY: SECRET_KEY, OIDC_CLIENT_SECRET: CLIENT_SECRET };
  const configs = [join(folder, 'wrangler.toml')];
  if (kind === 'service-binding') {
    const file = join(folder, 'guard.toml');
    // As it is, but built already; what it is given by options goes to the first Worker alone.
    const text = readFileSync(file, 'utf8').replace(/^\[build\]\ncommand = .*$/m, '').replace('"../../build/', `"${ROOT}/build/`);
    writeFileSync(file, text.replace('https://id.example.com', provider.issuer));
    writeFileSync(join(folder, '.dev.vars'), Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`).join(''));
    configs.push(file);
  }
  const worker = await startWrangler({ configs, port, secrets, vars: { OIDC_ISSUER: provider.issuer } });
  return { visitor: new Visitor(publicUrl), provider, worker, close: () => Promise.all([worker.close(), provider.close()]) };
}

/** By a form of the site. */
function signOut(visitor, body = '') {
  return visitor.send('/oidc_logout', { method: 'POST', headers: { ...FORM, Origin: visitor.publicUrl }, body });
}

/** Waits until the log has it, which comes by another way than the answer. */
async function logged({ worker }, text) {
  for (const until = Date.now() + 20_000; !text.test(worker.log()) && Date.now() < until;) await sleep(50);
  assert.match(worker.log(), text);
}

for (const [kind, { from, more }] of Object.entries(KINDS)) {
  describe(`examples/${kind}`, () => {
    let project;
    let bundle;
    before(async () => {
      project = await npm.project(kind);
      bundle = await project.bundle();
    });

    test('is taken by wrangler and by the compiler', async () => {
      assert.match(bundle.report, kind === 'npm-package' ? /env\.OIDC_SESSIONS \(SessionVault\)/ : /env\.GUARD \(edge-oidc#Guard\)/);
      assert.deepEqual(Object.values(bundle.modules).sort(), kind === 'npm-package' ? ['esModule', 'wasm'] : ['esModule']);
      await project.check();
    });

    test('signs visitors in and knows them, by its own settings', async () => {
      const { visitor, provider, close } = await dev(kind, project);
      try {
        const [target, nobody, alice] = WHO[kind];
        const index = await visitor.fetch(target);
        assert.deepEqual([index.status, index.text, index.setCookies.length, index.headers['cache-control']], [200, nobody, 0, undefined]);
        assert.deepEqual((await visitor.fetch('/private')).json(), { error: 'login_required', login_url: '/oidc_login?next=%2Fprivate' });

        const page = await visitor.signIn('/private');
        assert.deepEqual([page.status, page.text, page.headers['cache-control']], [200, 'Hello, alice', 'private']);
        assert.equal(new URL(page.url).pathname, '/private');
        assert.equal((await visitor.fetch(target)).text, alice);
        assert.equal((await visitor.fetch('/oidc_userinfo')).json().email, 'alice@example.com');

        const out = await signOut(visitor);
        assert.ok(out.status === 302 && out.headers.location.startsWith(provider.issuer), JSON.stringify(out));
        assert.deepEqual(visitor.sessionCookies, []);
        assert.equal((await visitor.fetch('/private')).status, 401);
      } finally {
        await close();
      }
    });
  });

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
      stack = await start(kind, bundle, {
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
      const api = await start(kind, bundle, {
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
      for (const type of ['application/octet-stream', FORM['Content-Type']]) {
        const answer = await visitor.fetch('/length', { method: 'POST', headers: { 'Content-Type': type }, body });
        assert.deepEqual([answer.status, answer.text], [200, '20000000'], type);
      }
    });

    test('keeps a form that meets the end of a session', async () => {
      const visitor = stack.visitor();
      await visitor.signIn('/');
      const form = { method: 'POST', headers: { ...FORM, 'Sec-Fetch-Site': 'same-origin', Origin: stack.publicUrl }, body: 'text=long+thought' };
      const other = stack.visitor();
      other.jar = structuredClone(visitor.jar);
      await signOut(visitor, 'everywhere=1');
      // The copy's session is over as soon as it is looked at again.
      const until = Date.now() + 30_000;
      let sent;
      do sent = await other.navigate('/note', form);
      while (sent.status === 200 && Date.now() < until && (await sleep(300, true)));
      assert.equal(sent.status, 302, sent.text);
      const page = await other.open(sent.headers.location);
      assert.match(page.text, /name="text" value="long thought"/);
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
      await signOut(visitor);
      assert.equal(await socket.closed, 1008, 'it ends with the session');
    });
  });
}

test('the types say what is there and what is not', async () => {
  const project = await npm.project('npm-package');
  project.write(`
    import { guard, SessionVault, type Visit } from "edge-oidc";
    import { finish, guard as asking, whoIs, type GuardBinding } from "edge-oidc/binding";
    interface Bound { AUTH: GuardBinding; OTHER: Fetcher }

    const whole = guard<Env>({
      fetch: async (request, env, ctx, visit) => {
        ctx.waitUntil(fetch(env.OIDC_ISSUER));
        const email: string | undefined = visit.claims.email;
        const scope: string | undefined = visit.by === "token" ? visit.claims.scope : undefined;
        if (visit.by === "session") return new Response(visit.subject.toUpperCase());
        return Response.json({ email, scope, city: request.cf?.city });
      },
      async scheduled(controller, env) {
        console.log(controller.cron, env.OIDC_CLIENT_ID);
      },
    });
    whole satisfies ExportedHandler<Env>;
    const asked = asking<Bound>({ fetch: () => new Response() }, { binding: "AUTH" });
    export default {
      async fetch(request, env, ctx) {
        const told = await whoIs(env.AUTH, request);
        if (told.response) return told.response;
        const answer: Response = await finish(env.OTHER, told, new Response(told.cookies.join()));
        return answer.ok ? answer : asked.fetch(request, env, ctx);
      },
    } satisfies ExportedHandler<Bound>;
    export { SessionVault };

    // @ts-expect-error no fetch
    guard<Env>({});
    // @ts-expect-error no Response
    guard<Env>({ fetch: (): string => "" });
    // @ts-expect-error no such variable
    guard<Env>({ fetch: (_request, env) => new Response(env.OIDC_NOTHING) });
    // @ts-expect-error no such binding
    asking<Bound>({ fetch: () => new Response() }, { binding: "GUARD" });
    // @ts-expect-error nobody has a subject for sure
    const subjectOf = (visit: Visit): string => visit.subject;
    // @ts-expect-error a claim may be of any kind
    const groupsOf = (visit: Visit): string[] => visit.claims.groups;
    // @ts-expect-error it is for reading
    const rename = (visit: Visit) => { visit.claims.name = "Mallory"; };
    // @ts-expect-error what may not pass has no visit
    const hasty = async (env: Bound, request: Request) => (await whoIs(env.AUTH, request)).visit.claims;
  `);
  await project.check();
});

test('what else a handler does goes on', async () => {
  const project = await npm.project('npm-package');
  project.write(`
    import { guard } from "edge-oidc";
    export { SessionVault } from "edge-oidc";
    class App {
      name = "the app";
      async fetch() { return new Response("hello"); }
      async scheduled() { console.log("by the clock: " + this.name); }
    }
    export default guard(new App());
  `);
  const { visitor, worker, close } = await dev('npm-package', project);
  try {
    assert.equal((await visitor.fetch('/cdn-cgi/handler/scheduled')).status, 200);
    await logged({ worker }, /by the clock: the app/);
    assert.equal((await visitor.fetch('/private')).status, 401);
  } finally {
    await close();
  }
});

describe('a mistake', () => {
  const faults = [
    ['guard(class { fetch() {} })', 'not a class or function'],
    ['guard({ fetched() {} })', 'not an object with "fetched"'],
    ['guard()', 'not undefined'],
  ];
  for (const [kind, { from, more }] of Object.entries(KINDS)) {
    test(`in the handler of ${kind} is told before anything is served`, async () => {
      const project = await npm.project(kind);
      for (const [call, told] of faults) {
        project.write(`import { guard } from "${from}";\n${more}\nexport default ${call};`);
        const bundle = await project.bundle();
        await assert.rejects(start(kind, bundle), ({ message }) => message.includes(`edge-oidc: guard() takes an object with a function "fetch", ${told}`), call);
      }
    });

    test(`in the settings of ${kind} is told to the log alone`, async () => {
      const project = await npm.project(kind);
      const stack = await start(kind, await project.bundle(), { vars: { OIDC_SECRET_KEY: 'short' } });
      const answer = await stack.visitor().navigate('/private');
      assert.equal(answer.status, 500);
      assert.ok(!answer.text.includes('OIDC_'), answer.text);
      await logged(stack, /OIDC_SECRET_KEY/);
      await stack.close();
    });
  }

  test('in what is bound is told with its cure', async () => {
    const project = await npm.project('service-binding');
    project.write(`
      import { guard } from "edge-oidc/binding";
      const app = { fetch: () => new Response("never seen") };
      const missing = guard(app, { binding: "AUTH" });
      const entrypoint = guard(app, { binding: "FRONT" });
      export default {
        async fetch(request, env, context) {
          try {
            switch (new URL(request.url).pathname) {
              case "/missing": return await missing.fetch(request, env, context);
              case "/entrypoint": return await entrypoint.fetch(request, env, context);
              case "/request": return Response.json(await env.GUARD.whoIs(request));
            }
          } catch (error) {
            return new Response(error.message, { status: 500 });
          }
          return guard(app).fetch(request, env, context);
        },
      };
    `);
    const stack = await start('service-binding', await project.bundle());
    const ask = async (target) => (await stack.visitor().fetch(target)).text;
    assert.equal(await ask('/missing'), 'edge-oidc: env.AUTH is no service binding; wrangler.toml needs [[services]] with binding = "AUTH", service = the guard\'s name, entrypoint = "Guard"');
    assert.match(await ask('/entrypoint'), /^edge-oidc: what is bound as env\.FRONT is not asked like this \(.+\); wrangler\.toml needs .* entrypoint = "Guard"$/);
    assert.match(await ask('/request'), /^whoIs takes \{ method, url, headers, body, cf \}/);
    assert.equal((await stack.visitor().fetch('/private/')).status, 401, 'and without a mistake it is asked');
  });

  test('of not exporting SessionVault is told by wrangler', async () => {
    const project = await npm.project('npm-package');
    project.write('import { guard } from "edge-oidc";\nexport default guard({ fetch: () => new Response() });');
    await assert.rejects(project.bundle(), /SessionVault/);
  });
});
