// What one can do wrong with the npm package, and what is said about it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { withFetch } from '../../npm/handler.js';
import { KINDS, logged, packed } from './support/npm.mjs';

let npm;
before(async () => (npm = await packed()));
after(() => npm?.close());

describe('a mistake', () => {
  test('in what is given is named', () => {
    for (const [given, told] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [{}, 'an object with nothing in it'],
      [{ fetched() {}, scheduled() {} }, 'an object with "fetched", "scheduled"'],
      [{ fetch: true }, 'an object with "fetch"'],
      [() => new Response(), 'a class or function'],
    ]) {
      assert.throws(() => withFetch(given, () => {}), { name: 'TypeError', message: `edge-oidc: guard() takes an object with a function "fetch", not ${told}` });
    }
  });

  for (const [kind, { from, more }] of Object.entries(KINDS)) {
    test(`in the handler of ${kind} is told before anything is served`, async () => {
      const project = await npm.project(kind);
      project.write(`import { guard } from "${from}";\n${more}\nexport default guard(class { fetch() {} });`);
      const bundle = await project.bundle();
      await assert.rejects(npm.start(kind, bundle), /edge-oidc: guard\(\) takes an object with a function "fetch", not a class or function/);
    });

    test(`in the settings of ${kind} is told to the log alone`, async () => {
      const project = await npm.project(kind);
      const stack = await npm.start(kind, await project.bundle(), { vars: { OIDC_SECRET_KEY: 'short' } });
      const answer = await stack.visitor().navigate('/private');
      assert.equal(answer.status, 500);
      assert.ok(!answer.text.includes('OIDC_'), answer.text);
      await logged(stack, /OIDC_SECRET_KEY/);
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
              case "/lines": return Response.json(await env.GUARD.whoIs({ method: "GET", url: request.url + "\\na=1", headers: [] }));
            }
          } catch (error) {
            return new Response(error.message, { status: 500 });
          }
          return guard(app).fetch(request, env, context);
        },
      };
    `);
    const stack = await npm.start('service-binding', await project.bundle());
    const ask = async (target) => (await stack.visitor().fetch(target)).text;
    assert.equal(await ask('/missing'), 'edge-oidc: env.AUTH is no service binding; wrangler.toml needs [[services]] with binding = "AUTH", service = the guard\'s name, entrypoint = "Guard"');
    assert.match(await ask('/entrypoint'), /^edge-oidc: what is bound as env\.FRONT is not asked like this \(.+\); wrangler\.toml needs .* entrypoint = "Guard"$/);
    assert.match(await ask('/request'), /^whoIs takes \{ method, url, headers, body, cf \}/);
    assert.equal(await ask('/lines'), 'whoIs takes a URL without line breaks');
    assert.equal((await stack.visitor().fetch('/private/')).status, 401, 'and without a mistake it is asked');
  });

  test('of not exporting SessionVault is told by wrangler', async () => {
    const project = await npm.project('npm-package');
    project.write('import { guard } from "edge-oidc";\nexport default guard({ fetch: () => new Response() });');
    await assert.rejects(project.bundle(), /SessionVault/);
  });
});
