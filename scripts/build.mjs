#!/usr/bin/env node
// Compiles the Worker: src/ -> build/index.js and build/index_bg.wasm; and with the same WebAssembly npm/ -> npm/dist/.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT, nodeTool, run } from './lib/run.mjs';
import { Failure, say, script, withProgress } from './lib/terminal.mjs';
import { buildTools } from './lib/tools.mjs';
import { TARGET, bindGuard, bundle, guardModules } from './lib/wasm.mjs';

const HELP = `
Usage: npm run build [-- --force]

Compiles the Worker into build/index.js and build/index_bg.wasm, ready for "npm run deploy", and what the npm package
holds into npm/dist/.
The first build also adds the wasm target and wasm-bindgen (2 to 3 minutes on 2 cores).
Nothing is done when no source has changed since the last build.

  --force    build although nothing has changed
  --help     this text
`;

const UPLOAD = ['build/index.js', 'build/index_bg.wasm'];
const PACKAGE = ['guard.js', 'binding.js'];
const LICENSES = ['LICENSE-APACHE', 'LICENSE-MIT'];
const OUTPUTS = [...UPLOAD, ...['index_bg.wasm', ...PACKAGE].map((file) => `npm/dist/${file}`), ...LICENSES.map((file) => `npm/${file}`)];
const INPUTS = ['src', 'npm/guard.js', 'npm/binding.js', 'npm/handler.js', 'askama.toml', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', 'scripts/build.mjs', 'scripts/lib/tools.mjs', 'scripts/lib/wasm.mjs'];
const BUILD = join(ROOT, 'build');
const STAMP = join(BUILD, '.inputs');
const LIMIT_KIB = 300;

/** What every runtime of the compatibility date knows; nothing newer may be made of it. */
const WASM_FEATURES = ['mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'bulk-memory', 'multivalue', 'reference-types', 'exception-handling'];
// What the upload weighs is what it weighs compressed: a function that is not copied into its only caller is the shorter
// one there. Nothing lies in the first kilobyte of memory: the stack does, and has a megabyte.
const WASM_OPT = ['-Os', '--low-memory-unused', '--one-caller-inline-max-function-size=20', '--generate-global-effects', '-Os'];

await script(HELP, async (argv) => {
  const unknown = argv.find((argument) => argument !== '--force');
  if (unknown) throw new Failure(`unknown option ${unknown}`, 'npm run build -- --help');

  const fingerprint = fingerprintOf(INPUTS);
  if (!argv.includes('--force') && isBuilt(fingerprint)) {
    say('build/ is up to date');
    return;
  }
  const { wasmBindgen } = await buildTools();
  // Taken away first: a build that is cut off must not look like a finished one.
  rmSync(STAMP, { force: true });
  mkdirSync(BUILD, { recursive: true });
  // Another build may be at work; the parts come to their place when they are whole.
  const staging = mkdtempSync(join(BUILD, '.building-'));
  try {
    await withProgress('Compiling the Worker (a first time takes a minute or two)', (report) => compile(report));
    await withProgress('Making it small', () => pack(wasmBindgen, staging));
    fillPackage(staging);
    for (const file of UPLOAD) renameSync(join(staging, basename(file)), join(ROOT, file));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  checkSize();
  writeFileSync(STAMP, fingerprint);
});

/** `rustc` and not `build`: only a library of one kind is optimised as a whole. */
function compile(report) {
  return run('cargo', ['rustc', '--locked', '--release', '--lib', '--crate-type', 'cdylib', '--target', TARGET, '--features', 'guard'], {
    env: { RUSTFLAGS: withoutPaths() },
    onLine: report,
    next: 'mend what the compiler says above, then: npm run build',
  });
}

/** From what cargo has made to the two files of the upload and the scripts of the package, in `folder`. */
async function pack(wasmBindgen, folder) {
  const bound = join(folder, 'bound');
  await bindGuard(wasmBindgen, 'release', bound);
  await run(nodeTool('wasm-opt'), [
    join(bound, 'index_bg.wasm'), '-o', join(folder, 'index_bg.wasm'),
    ...WASM_FEATURES.map((feature) => `--enable-${feature}`), ...WASM_OPT, '--strip-debug', '--strip-producers',
  ]);
  const aliases = guardModules(bound);
  await bundle(join(ROOT, 'src', 'edge', 'entry.js'), join(folder, 'index.js'), aliases);
  for (const script of PACKAGE) await bundle(join(ROOT, 'npm', script), join(folder, script), aliases);
}

/** What the npm package holds beside what is written by hand. */
function fillPackage(folder) {
  const npm = join(ROOT, 'npm');
  mkdirSync(join(npm, 'dist'), { recursive: true });
  for (const file of ['index_bg.wasm', ...PACKAGE]) copyFileSync(join(folder, file), join(npm, 'dist', file));
  for (const file of LICENSES) copyFileSync(join(ROOT, file), join(npm, file));
}

function isBuilt(fingerprint) {
  return OUTPUTS.every((file) => existsSync(join(ROOT, file))) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint;
}

/** One hash over names and contents of everything the build reads. */
function fingerprintOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(ROOT, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      readdirSync(full).sort().forEach((name) => add(`${path}/${name}`));
    } else {
      hash.update(`${path}\0`).update(createHash('sha256').update(readFileSync(full)).digest());
    }
  };
  paths.forEach(add);
  return hash.digest('hex');
}

/**
 * What panics say names files. Not by where they lie on this machine: the upload would tell, and would be another one
 * for each user.
 */
function withoutPaths() {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const remap = ([from, to]) => `--remap-path-prefix=${from}=${to}`;
  return [process.env.RUSTFLAGS, ...[[cargoHome, 'cargo'], [ROOT, '.']].map(remap)].filter(Boolean).join(' ');
}

/** The upload must stay small: start-up time and the platform's limits both depend on it. */
function checkSize() {
  let total = 0;
  for (const file of UPLOAD) {
    if (!existsSync(join(ROOT, file))) throw new Failure(`the build left no ${file}`, 'npm run build -- --force');
    const bytes = readFileSync(join(ROOT, file));
    const packed = gzipSync(bytes, { level: 9 }).length;
    total += packed;
    say(`  ${file.padEnd(20)} ${kib(bytes.length).padStart(10)}, gzip ${kib(packed)}`);
  }
  say(`  ${'upload'.padEnd(20)} ${''.padStart(10)}  gzip ${kib(total)} (limit ${LIMIT_KIB} KiB)`);
  if (total > LIMIT_KIB * 1024) {
    throw new Failure(`the upload is ${kib(total)} gzip, over the limit of ${LIMIT_KIB} KiB`, 'find what grew: cargo tree --features guard, and git log -- Cargo.lock');
  }
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
