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

/** The same for the guard, in which the next call after a panic makes a new instance. */
export function bindGuard(wasmBindgen, profile, folder) {
  const flags = ['--experimental-reset-state-function', '--force-enable-abort-handler'];
  return bindWasm(wasmBindgen, join(compiledFolder(profile), 'edge_oidc.wasm'), folder, flags);
}

/** Where the modules lie that the guard's scripts name, once it is bound in that folder. */
export function guardModules(bound) {
  return { 'edge-oidc.wasm': join(bound, 'index.js'), 'edge-oidc.glue': join(ROOT, 'src', 'edge', 'glue.js') };
}

/**
 * One script of `entry` and all it imports but the WebAssembly; `aliases` say where modules lie that it names, `inject`
 * what takes the place of the platform's own: nothing in a Worker that others would build by worker-build.
 */
export async function bundle(entry, outfile, aliases, inject = [join(ROOT, 'src', 'edge', 'soon.js')]) {
  await run(nodeTool('esbuild'), [
    entry, ...Object.entries(aliases).map(([name, path]) => `--alias:${name}=${path}`), `--outfile=${outfile}`,
    ...inject.map((file) => `--inject:${file}`), '--bundle', '--format=esm', '--minify', '--external:./index_bg.wasm', '--external:cloudflare:*', '--log-level=warning',
  ]);
  // Neither workerd nor wrangler read a phase, though they import modules in it.
  writeFileSync(outfile, readFileSync(outfile, 'utf8').replace('import source ', 'import '));
}
