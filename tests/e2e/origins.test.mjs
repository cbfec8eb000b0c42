// Where the site may be: the configurations of examples/, taken by wrangler, by the Worker, and by a visitor.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOrigin } from '../../demo/origin.mjs';
import { startProvider, workerClient } from '../../demo/provider.mjs';
import { CLIENT_SECRET, SECRET_KEY } from './support/stack.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort } from './support/workerd.mjs';
import { dryRun, startWrangler } from './support/wrangler.mjs';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const FILES = join(EXAMPLES, 'guard-assets', 'site');
const secrets = { OIDC_SECRET_KEY: SECRET_KEY, OIDC_CLIENT_SECRET: CLIENT_SECRET };

const configOf = (name) => join(EXAMPLES, name, 'wrangler.toml');
// Those with a Cargo.toml are Workers of their own.
const NAMES = readdirSync(EXAMPLES).filter((name) => name.startsWith('guard-') && !existsSync(join(EXAMPLES, name, 'Cargo.toml')));

let folder;
let origin;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  origin = await startOrigin();
});
after(async () => {
  await origin?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `visit(visitor)` at an example's Worker, which has a provider to sign in at; `vars` are settings besides its own. */
async function withExample({ configs, vars = {} }, visit) {
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const provider = await startProvider({ clients: [workerClient({ clientId: 'edge-oidc', clientSecret: CLIENT_SECRET, publicUrl })] });
  let worker;
  try {
    worker = await startWrangler({ configs, port, secrets, vars: { OIDC_ISSUER: provider.issuer, ...vars } });
    await visit(new Visitor(publicUrl));
  } finally {
    await worker?.close();
    await provider.close();
  }
}

/** An example's configuration with some of its text changed, beside none of the files that it names. */
function changed(name, changes) {
  let text = readFileSync(configOf(name), 'utf8').replace('../../build/', join(EXAMPLES, '../build/')).replace('directory = "site"', `directory = ${JSON.stringify(FILES)}`);
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  const file = join(folder, `${name}.toml`);
  writeFileSync(file, text);
  return file;
}

describe('an example', () => {
  test('is there for each kind of origin', () => assert.deepEqual(NAMES.sort(), ['guard-assets', 'guard-route', 'guard-service', 'guard-url']));

  test('is accepted by wrangler deploy', async () => {
    const reports = await Promise.all(NAMES.map((name) => dryRun(configOf(name))));
    for (const [index, name] of NAMES.entries()) {
      assert.match(reports[index], /env\.OIDC_CREDENTIALS/);
      assert.equal(/env\.ORIGIN\b/.test(reports[index]), ['guard-assets', 'guard-service'].includes(name), reports[index]);
      assert.equal(/env\.OIDC_ORIGIN\b/.test(reports[index]), name === 'guard-url', reports[index]);
    }
  });

  // The Worker answers only when it takes every setting. What it then forwards to: proxy.test.mjs.
  test('guards what stands behind its route', async () => {
    const worker = await startWrangler({ configs: [configOf('guard-route')], port: await freePort(), secrets });
    try {
      const answer = await new Visitor(worker.publicUrl).fetch('/');
      assert.deepEqual([answer.status, answer.json().error], [401, 'login_required']);
    } finally {
      await worker.close();
    }
  });

  test('guards a site at a URL', async () => {
    await withExample({ configs: [configOf('guard-url')], vars: { OIDC_ORIGIN: origin.url } }, async (visitor) => {
      assert.equal((await visitor.signIn('/api/whoami')).json().user, 'alice');
    });
  });

  test('guards files that are uploaded with the Worker', async () => {
    await withExample({ configs: [configOf('guard-assets')] }, guardsFiles);
  });

  test('guards a Worker of static assets behind a service binding', async () => {
    const site = join(folder, 'my-site.toml');
    writeFileSync(site, `name = "my-site"\ncompatibility_date = "2026-07-15"\n[assets]\ndirectory = ${JSON.stringify(FILES)}\n`);
    await withExample({ configs: [configOf('guard-service'), site] }, guardsFiles);
  });

  test('of assets is no guard without run_worker_first, as its README says', async () => {
    const config = changed('guard-assets', [['run_worker_first = true', '']]);
    const worker = await startWrangler({ configs: [config], port: await freePort(), secrets });
    try {
      const visitor = new Visitor(worker.publicUrl);
      assert.equal((await visitor.fetch('/report')).status, 200);
      assert.equal((await visitor.fetch('/nothing')).status, 401);
    } finally {
      await worker.close();
    }
  });
});

/** Nobody sees a file who isn't signed in; who is sees them as the platform serves them. */
async function guardsFiles(visitor) {
  for (const target of ['/', '/index.html', '/report', '/report.html', '/report/', '/repor%74', '/nothing']) {
    const answer = await visitor.fetch(target);
    assert.equal(answer.status, 401, target);
    assert.ok(!answer.text.includes('Nothing to report'));
  }
  const page = await visitor.signIn('/report');
  assert.match(page.text, /Nothing to report/);
  assert.match(page.headers['cache-control'], /^private/);
  assert.equal((await visitor.navigate('/report', { headers: { 'If-None-Match': page.headers.etag } })).status, 304);
  for (const target of ['/report.html', '/report/', '/repor%74']) {
    const redirect = await visitor.navigate(target);
    assert.deepEqual([redirect.status, redirect.headers.location], [307, '/report'], target);
  }
  assert.equal((await visitor.navigate('/report', { headers: { Range: 'bytes=0-9' } })).status, 200);
  assert.equal((await visitor.navigate('/nothing')).status, 404);
  assert.equal((await visitor.send('/report', { method: 'POST', body: 'a=b' })).status, 405);
}
