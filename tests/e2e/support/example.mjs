// What the tests of the examples share that are Workers around the library.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { startProvider, workerClient } from '../../../demo/provider.mjs';
import { ROOT } from '../../../scripts/lib/run.mjs';
import { CLIENT_SECRET, SECRET_KEY, startStack } from './stack.mjs';
import { Visitor } from './visitor.mjs';
import { freePort } from './workerd.mjs';
import { startWrangler } from './wrangler.mjs';

const folderOf = (name) => join(ROOT, 'examples', name);

/** Runs a describe block with the stack around an example. */
export function withExample(name, options, define) {
  describe(`examples/${name}`, () => {
    let stack;
    before(async () => {
      stack = await startStack({ ...options, build: join(folderOf(name), 'build'), vars: { OIDC_RULES: undefined, ...options.vars } });
    });
    after(() => stack?.close());
    define(() => stack);
  });
}

/** Holds that `/logout` of an example whose index says who is there ends the session here, and goes to the provider. */
export async function signsOut(stack) {
  const visitor = stack.visitor();
  await visitor.signIn('/login');
  const confirm = await visitor.open('/logout');
  assert.ok(confirm.url.startsWith(stack.provider.issuer), confirm.url);
  assert.equal(visitor.sessionCookies.length, 0);
  assert.equal((await visitor.navigate('/')).text, 'Not logged in');
}

/** The configuration in a folder of the project, as it is but for the build, which is there already. */
export function built(folder) {
  const path = (name) => JSON.stringify(join(ROOT, folder, name));
  return readFileSync(join(ROOT, folder, 'wrangler.toml'), 'utf8')
    .replace(/^\[build\]\n(.+\n)+/m, '')
    .replace('"build/index.js"', path('build/index.js'))
    .replace(/^database_name = .*$/m, (line) => `${line}\nmigrations_dir = ${path('migrations')}`);
}

/**
 * Starts an example under `wrangler dev` by its own files, but for the provider. `edit` changes its configuration,
 * `beside` are those of other Workers.
 */
export async function devExample(name, { edit = (text) => text, beside = [], database, vars }) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  const configs = [edit(built(join('examples', name))), ...beside].map((text, index) => {
    const file = join(folder, `${index}.toml`);
    writeFileSync(file, text);
    return file;
  });
  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const provider = await startProvider({ clients: [workerClient({ clientId: name, clientSecret: CLIENT_SECRET, publicUrl })] });
  const secrets = { OIDC_SECRET_KEY: SECRET_KEY, OIDC_CLIENT_SECRET: CLIENT_SECRET };
  let worker;
  const close = async () => {
    await Promise.all([worker?.close(), provider.close()]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    worker = await startWrangler({ configs, port, secrets, database, vars: { OIDC_ISSUER: provider.issuer, ...vars } });
  } catch (error) {
    await close();
    throw error;
  }
  return { provider, visitor: () => new Visitor(publicUrl), log: worker.log, close };
}
