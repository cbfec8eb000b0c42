// The npm package as its users get it: packed, installed from the tarball without a network, bundled by wrangler, and run in
// workerd.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProvider, workerClient } from '../../../demo/provider.mjs';
import { ROOT, nodeTool, run } from '../../../scripts/lib/run.mjs';
import { CLIENT_SECRET, SECRET_KEY, startStack } from './stack.mjs';
import { Visitor } from './visitor.mjs';
import { freePort } from './workerd.mjs';
import { startWrangler } from './wrangler.mjs';

/** The examples, and how each says what guards it. */
export const KINDS = {
  'npm-package': { from: 'edge-oidc', more: 'export { SessionVault } from "edge-oidc";' },
  'service-binding': { from: 'edge-oidc/binding', more: '' },
};

/**
 * Packs the package and resolves to `{ files, project, start, close }`: `project(name)` is a copy of that example, and
 * `start(name, bundle, options)` runs what such a project has bundled in workerd, until all is closed.
 */
export async function packed() {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-npm-'));
  const said = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: join(ROOT, 'npm') });
  // One object by name, or a list of one, by npm's version.
  const [{ filename, files }] = Object.values(JSON.parse(said));
  const tarball = join(folder, filename);
  const stacks = [];
  return {
    files: files.map((file) => file.path),
    project: (name) => projectOf(join(folder, name), join(ROOT, 'examples', name), tarball),
    start: async (...given) => {
      const stack = await startGuarded(...given);
      stacks.push(stack);
      return stack;
    },
    close: async () => {
      await Promise.all(stacks.map((stack) => stack.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function projectOf(folder, example, tarball) {
  cpSync(example, folder, { recursive: true, filter: (file) => !/\/(node_modules|\.wrangler)$/.test(file) });
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', tarball], { cwd: folder });
  const wrangler = (args) => run(nodeTool('wrangler'), args, { cwd: folder, env: { CI: '1', NO_COLOR: '1', FORCE_COLOR: '0' } });
  return {
    folder,
    /** Another script in its place. */
    write: (script) => writeFileSync(join(folder, 'src', 'index.ts'), script),
    /** What `wrangler deploy` would upload: its report, the folder, and the modules with their kinds. */
    bundle: async () => {
      const build = join(folder, 'out');
      mkdirSync(build, { recursive: true });
      const report = await wrangler(['deploy', '--dry-run', '--outdir', build]);
      const kinds = { js: 'esModule', wasm: 'wasm' };
      const modules = readdirSync(build).sort((one) => (one === 'index.js' ? -1 : 1)).map((file) => [file, kinds[file.split('.').pop()]]).filter(([, kind]) => kind);
      return { report, build, modules: Object.fromEntries(modules) };
    },
    /** Rejects with what `tsc` complains about. */
    check: async () => {
      await wrangler(['types']);
      return run(nodeTool('tsc'), ['--project', folder]);
    },
  };
}

/** A project's Worker with the stack around it: before the stock guard, or with the guard in it. */
async function startGuarded(kind, bundle, options) {
  const { build, modules } = bundle;
  const worker = kind === 'npm-package' ? { build, modules, durable: true } : { asker: join(build, 'index.js') };
  // With an origin that is configured, and never asked.
  return startStack({ ...worker, ...options });
}

/** An example under `wrangler dev` by its own files, but for the provider; with the guard beside it if it has none in it. */
export async function startExample(kind, { folder }) {
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

/** Waits until the log has it, which comes by another way than the answer. */
export async function logged({ worker }, text) {
  for (const until = Date.now() + 20_000; !text.test(worker.log()) && Date.now() < until;) await sleep(50);
  assert.match(worker.log(), text);
}
