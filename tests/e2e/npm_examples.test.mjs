// The examples in JavaScript and TypeScript: the guard as a package in a Worker, and as a service binding that one asks.

import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../../scripts/lib/run.mjs';
import { KINDS, logged, packed, startExample } from './support/npm.mjs';

let npm;
before(async () => (npm = await packed()));
after(() => npm?.close());

/** What the examples say of nobody and of Alice, and where. */
const WHO = {
  'npm-package': ['/', 'Not logged in', 'Welcome alice@example.com'],
  'service-binding': ['/who', '{"by":"nobody","claims":{}}', '{"by":"session","claims":{"email":"alice@example.com","sub":"alice"}}'],
};

for (const kind of Object.keys(KINDS)) {
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
      const { visitor, provider, close } = await startExample(kind, project);
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

        const out = await visitor.signOut();
        assert.ok(out.status === 302 && out.headers.location.startsWith(provider.issuer), JSON.stringify(out));
        assert.deepEqual(visitor.sessionCookies, []);
        assert.equal((await visitor.fetch('/private')).status, 401);
      } finally {
        await close();
      }
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

test('the types name what the package exports, and nothing else', () => {
  const read = (file) => readFileSync(join(ROOT, 'npm', file), 'utf8');
  for (const [types, script] of [['index.d.ts', 'dist/guard.js'], ['binding.d.ts', 'dist/binding.js']]) {
    const named = [...read(types).matchAll(/^export (?:function|class|const) (\w+)/gm)].map(([, name]) => name);
    const exported = read(script).match(/export\{([^}]*)\};?\s*$/)[1].split(',').map((one) => one.split(' as ').pop());
    assert.deepEqual(exported.sort(), named.sort(), script);
  }
});

test('what the documentation shows is taken by the compiler', async () => {
  const project = await npm.project('npm-package');
  symlinkSync(join(ROOT, 'node_modules', 'hono'), join(project.folder, 'node_modules', 'hono'));
  const shown = ['docs/javascript.md', 'npm/README.md', 'npm/index.d.ts', 'npm/binding.d.ts'].flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/^ \* ?/gm, '');
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block], index) => [`${page.replace(/\W/g, '_')}_${index}.ts`, block]);
  });
  assert.ok(shown.length >= 8, 'the blocks were not found');
  for (const [file, block] of shown) writeFileSync(join(project.folder, 'src', file), block);
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
  const { visitor, worker, close } = await startExample('npm-package', project);
  try {
    assert.equal((await visitor.fetch('/cdn-cgi/handler/scheduled')).status, 200);
    await logged({ worker }, /by the clock: the app/);
    assert.equal((await visitor.fetch('/private')).status, 401);
  } finally {
    await close();
  }
});
