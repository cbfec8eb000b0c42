#!/usr/bin/env node
// Compiles a guard that panics when it is asked to, for tests/e2e/panics.test.mjs. It is no build that can be deployed:
// src/edge/panics.rs does not compile without debug assertions.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './lib/run.mjs';
import { say, script, withProgress } from './lib/terminal.mjs';
import { buildTools } from './lib/tools.mjs';
import { TARGET, bindGuard, bundle, compiledFolder, guardModules } from './lib/wasm.mjs';

const HELP = `
Usage: node scripts/panicking.mjs

Compiles a guard that panics on purpose into target/, for the tests of what happens then.

  --help     this text
`;

const PROFILE = 'panicking';

await script(HELP, async () => {
  const { wasmBindgen } = await buildTools();
  await withProgress('Compiling a Worker that panics', (report) => run('cargo', [
    'rustc', '--locked', '--profile', PROFILE, '--lib', '--crate-type', 'cdylib', '--target', TARGET, '--features', 'panics',
  ], { onLine: report, next: 'mend what the compiler says above' }));
  const folder = join(compiledFolder(PROFILE), 'worker');
  const bound = join(folder, 'bound');
  await bindGuard(wasmBindgen, PROFILE, bound);
  await bundle(join(ROOT, 'src', 'edge', 'entry.js'), join(folder, 'index.js'), guardModules(bound));
  copyFileSync(join(bound, 'index_bg.wasm'), join(folder, 'index_bg.wasm'));
  say(`built: ${folder}`);
});
