// What a figure must come with to mean anything later: the machine, its load, and the versions.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeReport } from './report.mjs';
import { ROOT, nodeTool } from '../../scripts/lib/run.mjs';

/** Where the built Worker lies. */
export const BUILD = process.env.EDGE_OIDC_BUILD ?? join(ROOT, 'build');
/** Where results are; trials need not take the place of what is kept. */
export const RESULTS = process.env.EDGE_OIDC_RESULTS ?? join(ROOT, 'bench', 'results');

/** Machine and versions, the way they stand in every result. */
export function circumstances() {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: processors[0]?.model.trim() ?? 'unknown',
      processors: processors.length,
      memory_gib: round(totalmem() / 2 ** 30, 1),
      system: `${type()} ${release()}`,
    },
    versions: {
      workerd: execFileSync(nodeTool('workerd'), ['--version'], { encoding: 'utf8' }).trim().replace(/^workerd /, ''),
      node: process.version.slice(1),
      commit: commit(),
    },
    worker: builtWorker(BUILD),
  };
}

/** The versions of these npm packages, as they are installed. */
export function versionsOf(...names) {
  const versionOf = (name) => JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

/** The one-minute load average: what else went on, this benchmark included. */
export function load() {
  return round(loadavg()[0], 2);
}

/** Sizes of a built Worker, and the hash of its wasm: which one it was. */
export function builtWorker(folder) {
  const [script, wasm] = ['index.js', 'index_bg.wasm'].map((file) => readFileSync(join(folder, file)));
  const packed = gzipSync(script, { level: 9 }).length + gzipSync(wasm, { level: 9 }).length;
  return {
    wasm_bytes: wasm.length,
    upload_gzip_bytes: packed,
    wasm_sha256: createHash('sha256').update(wasm).digest('hex').slice(0, 16),
  };
}

/** Writes a result where it is kept, and the page of all results anew; returns its path inside the repository. */
export function writeResult(name, result) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  writeReport(RESULTS);
  return join(relative(ROOT, RESULTS), `${name}.json`);
}

export function round(value, digits) {
  return Number(value.toFixed(digits));
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
