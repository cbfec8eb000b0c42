// `npm run setup` and `npm run doctor` with a real provider, and with the Worker that comes of it.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unstable_getVarsForDev as varsForDev, unstable_readConfig as readConfig } from 'wrangler';
import { startOrigin } from '../../demo/origin.mjs';
import { startProvider } from '../../demo/provider.mjs';
import { startKv } from './support/kv.mjs';
import { program as compiled, run } from './support/program.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort, startWorker } from './support/workerd.mjs';

const WRANGLER_TOML = fileURLToPath(new URL('../../wrangler.toml', import.meta.url));

describe('setup and doctor', { timeout: 600_000 }, () => {
  const started = [];
  const begin = async (starting) => {
    started.push(await starting);
    return started.at(-1);
  };
  let program;
  let folder;
  let provider;
  let origin;
  let port;
  let site;

  before(async () => {
    program = await compiled('oidc-tools');
    folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
    copyFileSync(WRANGLER_TOML, join(folder, 'wrangler.toml'));
    port = await freePort();
    site = `http://localhost:${port}`;
    provider = await begin(startProvider({ registration: true }));
    origin = await begin(startOrigin());
  }, { timeout: 600_000 });

  after(async () => {
    await Promise.all(started.map((part) => part.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  const tool = (...args) => run(program, args, { cwd: folder, env: { PATH: process.env.PATH } });
  const setup = () => tool('setup', '--local', '--provider', provider.issuer, '--site', site, '--origin', origin.url);
  const finding = (report, check) => JSON.parse(report.stdout).findings.find((one) => one.check === check);

  test('it registers, and the provider takes what was written', async () => {
    const { code, stdout, stderr } = await setup();
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /registered, into client_secrets\.json/);
    assert.match(stdout, /the provider takes client id and secret/);
    assert.match(stdout, new RegExp(`oidc_callback is registered[\\s\\S]*npx wrangler dev --port ${port}`));
    const before = readFileSync(join(folder, 'wrangler.toml'), 'utf8');
    const again = await setup();
    assert.match(again.stdout, /is as it should be/);
    assert.equal(readFileSync(join(folder, 'wrangler.toml'), 'utf8'), before);
  });

  test('a visitor signs in at the Worker that comes of it, and the doctor finds it well', async () => {
    const config = join(folder, 'wrangler.toml');
    const read = readConfig({ config });
    const bindings = varsForDev(config, undefined, read.vars, undefined, false, read.secrets);
    const vars = Object.fromEntries(Object.entries(bindings).map(([name, { value }]) => [name, value]));
    const kv = await begin(startKv());
    await begin(startWorker({ port, kv: kv.address, vars }));
    const visitor = new Visitor(site);
    const page = await visitor.signIn('/private/');
    assert.equal(page.url, `${site}/private/`, page.text);

    writeFileSync(config, readFileSync(config, 'utf8').replace('[vars]', `[vars]\nOIDC_PUBLIC_URL = "${site}"`));
    const report = await tool('doctor', '--json');
    for (const check of ['discovery', 'keys', 'clock', 'scopes', 'client', 'redirect_uri', 'worker', 'guard', 'around_the_worker']) {
      assert.equal(finding(report, check)?.status, 'good', `${check}: ${report.stdout}`);
    }
    assert.equal(report.code, 0);
  });

  test('a redirect URI that is not registered, and a wrong secret, are found', async () => {
    const config = join(folder, 'wrangler.toml');
    const good = readFileSync(config, 'utf8');
    writeFileSync(config, good.replace('[vars]', '[vars]\nOIDC_OVERWRITE_REDIRECT_URI = "https://other.example/oidc_callback"'));
    const { status } = finding(await tool('doctor', '--json'), 'redirect_uri');
    writeFileSync(config, good);
    assert.equal(status, 'bad');
    const secrets = join(folder, '.dev.vars');
    writeFileSync(secrets, readFileSync(secrets, 'utf8').replace(/OIDC_CLIENT_SECRET='.*'/, "OIDC_CLIENT_SECRET='a-wrong-secret'"));
    const report = await tool('doctor', '--json');
    assert.equal(finding(report, 'client').status, 'bad', report.stdout);
    assert.equal(report.code, 1);
  });
});
