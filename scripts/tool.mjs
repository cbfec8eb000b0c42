#!/usr/bin/env node
// Compiles one of the native programs, if it has changed, and runs it with the arguments that follow.

import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ROOT, environment, run } from './lib/run.mjs';
import { Failure, explain, withProgress } from './lib/terminal.mjs';

const [name, ...args] = process.argv.slice(2);
const build = (onLine) =>
  run('cargo', ['build', '--quiet', '--locked', '--features', 'tools', '--bins'], { onLine, next: 'mend what the compiler says above' });

try {
  // What is compiled already takes no time worth a line.
  const building = build();
  const isSoon = await Promise.race([building.then(() => true), new Promise((resolve) => setTimeout(resolve, 2000))]);
  // Standard output is the program's own.
  if (!isSoon) await withProgress(`Compiling ${name} (a first time takes about a minute)`, () => building, process.stderr);
} catch (error) {
  explain(error);
  process.exit(1);
}
const { status, signal, error } = spawnSync(join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug', name), args, { stdio: 'inherit', env: environment() });
if (error) explain(new Failure(`${name} can't be started: ${error.code}`, 'cargo build --features tools --bins'));
// Ended by Ctrl-C while a secret was typed, it has left the terminal without an echo.
if (signal) spawnSync('stty', ['echo'], { stdio: ['inherit', 'ignore', 'ignore'] });
process.exitCode = status ?? (signal ? 128 + constants.signals[signal] : 1);
