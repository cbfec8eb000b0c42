#!/usr/bin/env node
// Compiles the Worker: src/ -> build/index.js and build/index_bg.wasm.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT, run } from './lib/run.mjs';
import { Failure, say, script, withProgress } from './lib/terminal.mjs';
import { buildTools } from './lib/tools.mjs';

const HELP = `
Usage: npm run build [-- --force]

Compiles the Worker into build/index.js and build/index_bg.wasm, ready for "npm run deploy".
The first build also adds the wasm target and two cargo tools (about 5 minutes on 2 cores).
Nothing is done when no source has changed since the last build.

  --force    build although nothing has changed
  --help     this text
`;

const OUTPUTS = ['build/index.js', 'build/index_bg.wasm'];
const INPUTS = ['src', 'askama.toml', 'Cargo.toml', 'Cargo.lock', 'package-lock.json', 'scripts/lib/tools.mjs'];
const STAMP = join(ROOT, 'build', '.inputs');
const LIMIT_KIB = 400;

await script(HELP, async (argv) => {
  const unknown = argv.find((argument) => argument !== '--force');
  if (unknown) throw new Failure(`unknown option ${unknown}`, 'npm run build -- --help');

  const fingerprint = fingerprintOf(INPUTS);
  if (!argv.includes('--force') && isBuilt(fingerprint)) {
    say('build/ is up to date');
    return;
  }
  const { workerBuild, env } = await buildTools();
  // Taken away first: a build that is cut off must not look like a finished one.
  rmSync(STAMP, { force: true });
  await withProgress('Compiling the Worker (a first time takes a minute or two)', (report) =>
    run(workerBuild, ['--release', '--features', 'edge'], {
      env: { ...env, RUSTFLAGS: withoutPaths() },
      onLine: report,
      next: 'mend what the compiler says above, then: npm run build',
    }));
  checkSize();
  writeFileSync(STAMP, fingerprint);
});

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
  for (const file of OUTPUTS) {
    if (!existsSync(join(ROOT, file))) throw new Failure(`the build left no ${file}`, 'npm run build -- --force');
    const bytes = readFileSync(join(ROOT, file));
    const packed = gzipSync(bytes, { level: 9 }).length;
    total += packed;
    say(`  ${file.padEnd(20)} ${kib(bytes.length).padStart(10)}, gzip ${kib(packed)}`);
  }
  say(`  ${'upload'.padEnd(20)} ${''.padStart(10)}  gzip ${kib(total)} (limit ${LIMIT_KIB} KiB)`);
  if (total > LIMIT_KIB * 1024) {
    throw new Failure(`the upload is ${kib(total)} gzip, over the limit of ${LIMIT_KIB} KiB`, 'find what grew: cargo tree --features edge, and git log -- Cargo.lock');
  }
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
