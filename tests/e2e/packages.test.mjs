// What is released: one version everywhere, and packages that hold what is needed and nothing else.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packed } from './support/npm.mjs';
import { run } from './support/program.mjs';
import { dryRun } from './support/wrangler.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (name, folder = ROOT) => readFileSync(join(folder, name), 'utf8');

/** The examples that name the npm package. */
const USERS = ['npm-package', 'service-binding'].map((name) => `examples/${name}/package.json`);

const versions = (folder) => ({
  'package.json': JSON.parse(read('package.json', folder)).version,
  'package-lock.json': JSON.parse(read('package-lock.json', folder)).packages[''].version,
  'Cargo.toml': read('Cargo.toml', folder).match(/^version = "(.*)"$/m)[1],
  'Cargo.lock': read('Cargo.lock', folder).match(/name = "edge-oidc"\nversion = "(.*)"/)[1],
  'npm/package.json': JSON.parse(read('npm/package.json', folder)).version,
  ...Object.fromEntries(USERS.map((name) => [name, JSON.parse(read(name, folder)).dependencies['edge-oidc'].replace('^', '')])),
});

/** Not one path of a package may be of this kind. */
const STRAY = /node_modules|(^|\/)(target|dist)\/|\.dev\.vars$|client_secrets.*\.json$|^(tests|fuzz|bench|build|\.ci)\//;

test('one version stands everywhere', () => {
  assert.equal(new Set(Object.values(versions(ROOT))).size, 1, JSON.stringify(versions(ROOT)));
});

test('the npm package holds what a Worker imports, and nothing else', async () => {
  const npm = await packed();
  try {
    const paths = ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'binding.d.ts', 'dist/binding.js', 'dist/guard.js', 'dist/index_bg.wasm', 'index.d.ts', 'package.json', 'visit.d.ts'];
    assert.deepEqual(npm.files.sort(), paths);
    const { exports, version, dependencies } = JSON.parse(read('npm/package.json'));
    const named = Object.values(exports).flatMap(({ types, default: script }) => [types, script].map((path) => path.replace('./', '')));
    assert.deepEqual(named.filter((path) => !paths.includes(path)), []);
    assert.deepEqual([version, dependencies], [versions(ROOT)['package.json'], undefined]);
  } finally {
    await npm.close();
  }
});

test('what is packed holds what it takes to build and to deploy', async () => {
  const { code, stdout, stderr } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
  assert.equal(code, 0, stderr);
  // One object by name, or a list of one, by npm's version.
  const [{ files }] = Object.values(JSON.parse(stdout));
  const paths = files.map((file) => file.path);
  for (const path of ['Cargo.toml', 'Cargo.lock', 'askama.toml', 'wrangler.toml', '.dev.vars.example', 'src/lib.rs', 'src/edge/glue.js', 'src/web/pages/base.html', 'scripts/build.mjs', 'npm/guard.js', 'npm/package.json', 'demo/origin.mjs', 'docs/configuration.md', 'README.md', 'LICENSE-MIT']) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  assert.deepEqual(paths.filter((path) => STRAY.test(path)), []);
});

test('the crate holds what it takes to compile', async () => {
  const { code, stdout, stderr } = await run('cargo', ['package', '--list', '--allow-dirty', '--offline'], { cwd: ROOT });
  assert.equal(code, 0, stderr);
  const paths = stdout.split('\n').filter(Boolean);
  for (const path of ['Cargo.toml', 'askama.toml', 'src/lib.rs', 'src/edge/glue.js', 'src/web/pages/style.css', 'src/bin/oidc-register/main.rs', 'README.md', 'CHANGELOG.md', 'LICENSE-APACHE']) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  assert.deepEqual(paths.filter((path) => STRAY.test(path) || /^(docs|scripts|examples|demo)\//.test(path)), []);
});

test('the button finds a description for everything that it asks for', () => {
  const { cloudflare, scripts } = JSON.parse(read('package.json'));
  const asked = [...read('.dev.vars.example').matchAll(/^([A-Z_]+)=/gm), ...read('wrangler.toml').matchAll(/^(OIDC_\w+) =/gm), ...read('wrangler.toml').matchAll(/^binding = "(\w+)"/gm)].map(([, name]) => name);
  assert.ok(asked.length >= 5, asked.join());
  assert.deepEqual(asked.filter((name) => !cloudflare.bindings[name]?.description), []);
  assert.deepEqual(Object.keys(cloudflare.bindings).filter((name) => !asked.includes(name)), []);
  assert.ok(scripts.build && scripts.deploy);
  assert.match(read('wrangler.toml'), /^command = "node scripts\/build\.mjs"$/m);
});

test('where Cloudflare builds, Rust is installed first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  try {
    mkdirSync(join(folder, 'bin'));
    const curl = '#!/bin/sh\necho "$@" > "$CARGO_HOME/asked"\necho \'mkdir -p "$CARGO_HOME/bin"; printf "#!/bin/sh\\necho cargo\\n" > "$CARGO_HOME/bin/cargo"; chmod +x "$CARGO_HOME/bin/cargo"\'\n';
    writeFileSync(join(folder, 'bin', 'curl'), curl, { mode: 0o755 });
    // Nothing else is to be found: a system may have a Rust of its own.
    for (const name of ['sh', 'mkdir', 'chmod']) symlinkSync(join('/bin', name), join(folder, 'bin', name));
    const env = { PATH: join(folder, 'bin'), HOME: folder, CARGO_HOME: folder };
    const build = "import('./scripts/lib/tools.mjs').then(({ ensureCargo }) => ensureCargo()).catch((error) => { console.error(error.next); process.exit(1); })";
    const ensured = (more) => run(process.execPath, ['-e', build], { cwd: ROOT, env: { ...env, ...more } });
    const elsewhere = await ensured({});
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stderr, /rustup\.rs/);
    const { code, stderr } = await ensured({ WORKERS_CI: '1' });
    assert.equal(code, 0, stderr);
    assert.match(read('asked', folder), /--proto =https .* https:\/\/sh\.rustup\.rs/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('npm version changes all of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  try {
    for (const name of ['scripts', 'npm', ...USERS.map(dirname)]) mkdirSync(join(folder, name), { recursive: true });
    for (const name of [...USERS, 'npm/package.json', 'package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md', 'scripts/version.mjs', 'scripts/lib']) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const env = { ...process.env, GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
    const git = (...args) => run('git', args, { cwd: folder, env });
    await git('init', '-q');
    await git('add', '--all', '--', ':!node_modules');
    await git('commit', '-qm', 'all');
    const { code, stderr } = await run('npm', ['version', '9.8.7'], { cwd: folder, env });
    assert.equal(code, 0, stderr);
    assert.deepEqual([...new Set(Object.values(versions(folder)))], ['9.8.7']);
    assert.match(read('CHANGELOG.md', folder), /## Unreleased\n\n## 9\.8\.7 - \d{4}-\d\d-\d\d\n/);
    assert.equal((await git('describe', '--tags')).stdout.trim(), 'v9.8.7');
    assert.equal((await git('status', '--porcelain', '--untracked-files=no')).stdout, '');
    assert.ok(existsSync(join(folder, 'Cargo.lock')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the upload has nothing that whoever deploys it would be warned of', async () => {
  const said = await dryRun(join(ROOT, 'wrangler.toml'));
  assert.match(said, /Total Upload/);
  assert.doesNotMatch(said, /warning/i);
});
