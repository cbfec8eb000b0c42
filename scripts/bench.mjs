#!/usr/bin/env node
// Runs one benchmark of bench/ against the built Worker.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, start } from './lib/run.mjs';
import { Failure, script } from './lib/terminal.mjs';

const BENCH = join(ROOT, 'bench');
const NAMES = readdirSync(BENCH).filter((file) => file.endsWith('.mjs')).map((file) => file.replace(/\.mjs$/, ''));

const HELP = `
Usage: npm run bench -- NAME [OPTION ...]
       npm run bench -- NAME --help

Measures the built Worker in workerd; bench/README.md says what is measured and how to read it.
There are: ${NAMES.join(', ')}.

EDGE_OIDC_BUILD names the folder of a Worker that has been built elsewhere; otherwise it is built first.
`;

// The benchmark answers --help itself, when it has been named.
const [name, ...rest] = process.argv.slice(2);
if (NAMES.includes(name)) process.argv.splice(2);

await script(HELP, async () => {
  if (!name) throw new Failure(`expected the name of a benchmark: ${NAMES.join(', ')}`, 'npm run bench -- --help');
  if (!NAMES.includes(name)) throw new Failure(`unknown benchmark ${name}; there are ${NAMES.join(', ')}`, 'npm run bench -- --help');
  const asksHelp = rest.includes('--help') || rest.includes('-h');
  if (!process.env.EDGE_OIDC_BUILD && !asksHelp) {
    await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { show: true, next: 'npm run build' });
  }
  // It explains itself what goes wrong.
  const child = start(process.execPath, [join(BENCH, `${name}.mjs`), ...rest], { stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
});
