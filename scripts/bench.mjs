#!/usr/bin/env node
// Runs one benchmark of bench/ against the built Worker, or all of them.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { RESULTS } from '../bench/lib/machine.mjs';
import { goalsOf } from '../bench/lib/report.mjs';
import { ROOT, run, start } from './lib/run.mjs';
import { Failure, duration, headline, paint, say, script } from './lib/terminal.mjs';

const BENCH = join(ROOT, 'bench');
/** In the order in which all are run: what is compared first, what takes long last. Each with what it is run with then. */
const ALL = {
  'signed-in': [],
  tokens: [],
  rules: [],
  'sign-ins': [],
  start: [],
  scale: [],
  simulate: [],
  memory: ['--requests', '400000', '--minutes', '20'],
  load: ['--calm'],
};
const NAMES = Object.keys(ALL).filter((name) => existsSync(join(BENCH, `${name}.mjs`)));

const HELP = `
Usage: npm run bench
       npm run bench -- NAME [OPTION ...]
       npm run bench -- NAME --help

Measures the built Worker in workerd; bench/README.md says what is measured and how to read it. Without a name all are
run, one after the other, in about 20 minutes on 2 cores. Figures and charts are in bench/results/.
There are: ${NAMES.join(', ')}.

EDGE_OIDC_BUILD names the folder of a Worker that has been built elsewhere; otherwise it is built first.
EDGE_OIDC_RESULTS names another folder for the results.
`;

// The benchmark answers --help itself, when it has been named.
const [name, ...rest] = process.argv.slice(2);
if (NAMES.includes(name)) process.argv.splice(2);

await script(HELP, async () => {
  if (name && !NAMES.includes(name)) throw new Failure(`unknown benchmark ${name}; there are ${NAMES.join(', ')}`, 'npm run bench -- --help');
  const asksHelp = rest.includes('--help') || rest.includes('-h');
  if (!process.env.EDGE_OIDC_BUILD && !asksHelp) {
    await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { show: true, next: 'npm run build' });
  }
  process.exitCode = name ? await measured(name, rest) : await all();
});

/** The exit code of one; it explains itself what goes wrong. */
function measured(which, options) {
  const child = start(process.execPath, [join(BENCH, `${which}.mjs`), ...options], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

/** One that fails does not keep the others from being run. */
async function all() {
  const began = Date.now();
  const failed = [];
  for (const [index, which] of NAMES.entries()) {
    headline(`${index + 1} of ${NAMES.length}: ${which}`);
    if ((await measured(which, ALL[which])) !== 0) failed.push(which);
  }
  headline(`All ${NAMES.length}, after ${duration(Date.now() - began)}`);
  for (const { what, figure, most, met } of goalsOf(RESULTS)) {
    const goal = most === undefined ? '' : `at most ${most}: ${met ? paint('green', 'met') : paint('red', 'not met')}`;
    say(`  ${what.padEnd(64)} ${String(figure).padStart(8)}  ${goal}`);
  }
  say(`tables and charts: ${join(relative(ROOT, RESULTS), 'README.md')}`);
  if (failed.length === 0) return 0;
  say(paint('red', `failed: ${failed.join(', ')}`));
  return 1;
}
