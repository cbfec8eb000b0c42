// From what cargo has compiled to the two files of an upload.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, nodeTool, run } from './run.mjs';

/** The target of every Worker. */
export const TARGET = 'wasm32-unknown-unknown';

/** Where cargo puts what it compiles for Workers. */
export function compiledFolder(profile) {
  return join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), TARGET, profile);
}

/** Gives WebAssembly its JavaScript: `index.js` and `index_bg.wasm` in `folder`. */
export function bindWasm(wasmBindgen, compiled, folder, flags = []) {
  return run(wasmBindgen, [compiled, '--out-dir', folder, '--out-name', 'index', '--target', 'module', '--no-typescript', ...flags]);
}

/** One script of `entry` and all it imports but the WebAssembly; `aliases` say where modules lie that it names. */
export async function bundle(entry, outfile, aliases) {
  await run(nodeTool('esbuild'), [
    entry, ...Object.entries(aliases).map(([name, path]) => `--alias:${name}=${path}`), `--outfile=${outfile}`,
    '--bundle', '--format=esm', '--minify', '--external:./index_bg.wasm', '--external:cloudflare:*', '--log-level=warning',
  ]);
  // Neither workerd nor wrangler read a phase, though they import modules in it.
  writeFileSync(outfile, readFileSync(outfile, 'utf8').replace('import source ', 'import '));
}
