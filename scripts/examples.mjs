#!/usr/bin/env node
// Compiles the examples that are Workers around the library: examples/NAME -> examples/NAME/build/index.js and .wasm.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './lib/run.mjs';
import { Failure, say, script, withProgress } from './lib/terminal.mjs';
import { buildTools } from './lib/tools.mjs';
import { TARGET, bindWasm, bundle, compiledFolder } from './lib/wasm.mjs';

const HELP = `
Usage: node scripts/examples.mjs [NAME ...]

Compiles the examples that are Workers around the library, all of them or those that are named: quickly, not small.
In a project of your own, worker-build does the same.

  --help     this text
`;

const EXAMPLES = join(ROOT, 'examples');

await script(HELP, async (argv) => {
  const known = readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, 'Cargo.toml')));
  const unknown = argv.find((name) => !known.includes(name));
  if (unknown) throw new Failure(`there is no example ${unknown}`, `one of ${known.join(', ')}`);
  const names = argv.length ? argv : known;
  const { wasmBindgen } = await buildTools();
  await withProgress(`Compiling ${names.join(', ')}`, (report) => compile(names, report));
  for (const name of names) await pack(wasmBindgen, name);
  say(`built: ${names.map((name) => `examples/${name}/build`).join(' ')}`);
});

function compile(names, report) {
  const packages = names.flatMap((name) => ['--package', `example-${name}`]);
  return run('cargo', ['build', '--locked', '--profile', 'example', '--target', TARGET, ...packages], {
    // Futures by js-sys, as the crate `worker` has them: one queue of tasks, not two.
    env: { WASM_BINDGEN_USE_JS_SYS: '1' },
    onLine: report,
    next: 'mend what the compiler says above',
  });
}

async function pack(wasmBindgen, name) {
  const folder = join(EXAMPLES, name, 'build');
  const bound = join(folder, 'bound');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bindWasm(wasmBindgen, join(compiledFolder('example'), `example_${name.replaceAll('-', '_')}.wasm`), bound);
  renameSync(join(bound, 'index_bg.wasm'), join(folder, 'index_bg.wasm'));
  await bundle(join(ROOT, 'scripts', 'lib', 'example-entry.js'), join(folder, 'index.js'), { 'worker.wasm': join(bound, 'index.js') }, []);
  rmSync(bound, { recursive: true });
  // Of an example that has an entry around it, as wrangler would bundle it.
  const entry = join(EXAMPLES, name, 'entry.js');
  if (existsSync(entry)) await bundle(entry, join(folder, 'entry.js'), {}, []);
}
