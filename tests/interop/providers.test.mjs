// The built Worker and the programs beside it, with providers that others have written.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startOrigin } from '../../demo/origin.mjs';
import { startKv } from '../e2e/support/kv.mjs';
import { program as compiled, run } from '../e2e/support/program.mjs';
import { SECRET_KEY } from '../e2e/support/stack.mjs';
import { Visitor } from '../e2e/support/visitor.mjs';
import { freePort, startWorker } from '../e2e/support/workerd.mjs';
import * as canaille from './canaille.mjs';
import * as glewlwyd from './glewlwyd.mjs';
import * as oidcProvider from './oidc_provider.mjs';

for (const [name, { program, start }] of Object.entries({ 'oidc-provider': oidcProvider, Canaille: canaille, Glewlwyd: glewlwyd })) {
  describe(name, { skip: program ? false : 'not installed', timeout: 600_000 }, () => {
    const started = [];
    const begin = async (starting) => {
      started.push(await starting);
      return started.at(-1);
    };
    let folder;
    let provider;
    let site;
    let vars;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
      const port = await freePort();
      site = `http://localhost:${port}`;
      provider = await begin(start({ redirectUri: `${site}/oidc_callback` }));
      const client = provider.client ?? (await registered());
      const origin = await begin(startOrigin());
      const kv = await begin(startKv());
      vars = {
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: client.id,
        OIDC_CLIENT_SECRET: client.secret,
        OIDC_SECRET_KEY: SECRET_KEY,
        OIDC_ORIGIN: origin.url,
        OIDC_SCOPES: provider.scopes,
        OIDC_PUBLIC_URL: site,
      };
      await begin(startWorker({ port, kv: kv.address, vars }));
    }, { timeout: 600_000 });

    after(async () => {
      await Promise.all(started.map((part) => part.close()));
      rmSync(folder, { recursive: true, force: true });
    });

    /** The site, registered by oidc-register. */
    async function registered() {
      const done = await run(await compiled('oidc-register'), [provider.issuer, site, '--auth-method', 'client_secret_basic'], { cwd: folder });
      assert.equal(done.code, 0, `${done.stdout}${done.stderr}`);
      const { web } = JSON.parse(readFileSync(join(folder, 'client_secrets.json'), 'utf8'));
      return { id: web.client_id, secret: web.client_secret };
    }

    test('the doctor finds it well', async () => {
      const { OIDC_CLIENT_SECRET, OIDC_SECRET_KEY, ...plain } = vars;
      const lines = Object.entries(plain).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
      writeFileSync(join(folder, 'wrangler.toml'), `compatibility_date = "2026-07-15"\nworkers_dev = false\npreview_urls = false\n[vars]\n${lines.join('\n')}\n[[kv_namespaces]]\nbinding = "OIDC_CREDENTIALS"\n`);
      writeFileSync(join(folder, '.dev.vars'), `OIDC_CLIENT_SECRET='${OIDC_CLIENT_SECRET}'\nOIDC_SECRET_KEY='${OIDC_SECRET_KEY}'\n`);
      const report = await run(await compiled('oidc-tools'), ['doctor', '--json'], { cwd: folder });
      const { findings } = JSON.parse(report.stdout);
      for (const check of ['discovery', 'keys', 'scopes', 'worker', 'guard']) {
        assert.equal(findings.find((finding) => finding.check === check)?.status, 'good', `${check}: ${report.stdout}`);
      }
      assert.deepEqual(findings.filter((finding) => finding.status === 'bad'), []);
    });

    test('a visitor signs in, and out', async () => {
      const visitor = new Visitor(site);
      const page = await provider.signIn(visitor, '/private/');
      assert.equal(page.url, `${site}/private/`, `${page.status} ${page.text.slice(0, 500)}`);
      assert.equal(page.status, 200);
      const claims = JSON.parse((await visitor.fetch('/oidc_userinfo')).text);
      assert.ok(claims.sub, JSON.stringify(claims));
      if (provider.subject) assert.equal(claims.sub, provider.subject);
      assert.equal(claims.email, 'alice@example.com', JSON.stringify(claims));
      await visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
      assert.deepEqual(visitor.sessionCookies, []);
    });
  });
}
