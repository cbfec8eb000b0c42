// Running other programs: with this project's own Node and tools first in PATH, and never left behind.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Failure } from './terminal.mjs';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

const BIN = join(ROOT, 'node_modules', '.bin');

/**
 * The environment for everything that is started: `node_modules/.bin` first, since wrangler wants a
 * newer Node than a machine may have, and wrangler neither asks questions nor calls home.
 */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
    WRANGLER_SEND_METRICS: 'false',
    ...extra,
  };
}

/** The path of a program that `npm ci` has brought, such as `wrangler`. */
export function nodeTool(name) {
  const path = join(BIN, name);
  if (!existsSync(path)) throw new Failure(`${name} is not installed in node_modules`, 'npm ci');
  return path;
}

// Each program gets its own process group, so that it can be ended with everything it has started.
const groups = new Set();
let ending = false;

/** Starts a program in a process group that ends when this script does. */
export function start(command, args, { env, cwd = ROOT, stdio = ['ignore', 'pipe', 'pipe'] } = {}) {
  const child = spawn(command, args, { cwd, env: environment(env), stdio, detached: true });
  groups.add(child);
  child.on('exit', () => {
    signal(child, 'SIGKILL');
    groups.delete(child);
  });
  return child;
}

/** Ends a program and its group: asks, and after five seconds no longer asks. */
export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  signal(child, 'SIGTERM');
  const insist = setTimeout(() => signal(child, 'SIGKILL'), 5000);
  await ended;
  clearTimeout(insist);
}

/** Whether this script has been told to end. */
export function isEnding() {
  return ending;
}

/** Ends everything that this script has started. */
export function endAll() {
  return Promise.all([...groups].map(end));
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // The whole group is gone already.
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(name, async () => {
    ending = true;
    await endAll();
    process.exit(128 + constants.signals[name]);
  });
}

/**
 * Runs a program to its end and returns what it printed. `onLine` sees each line of both streams;
 * with `show` they go to this terminal as they are and nothing is returned.
 * Rejects with a Failure that ends with `next` when the program fails.
 */
export function run(command, args, { env, cwd, show = false, onLine, next } = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, { env, cwd, stdio: show ? ['ignore', 'inherit', 'inherit'] : undefined });
    const output = [];
    for (const stream of show ? [] : [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        onLine?.(line);
      });
    }
    const name = [command.split('/').pop(), ...args].join(' ');
    child.on('error', (error) => reject(new Failure(`${name} can't be started: ${error.code}`, next ?? 'npm ci')));
    child.on('close', (code, signalName) => {
      // Told to end, this script says nothing about the programs that it ends.
      if (ending) return;
      if (code === 0) return resolve(output.join('\n'));
      const last = show ? '' : output.slice(-40).map((line) => `\n  ${line}`).join('');
      const failure = new Failure(`${name} ended with ${signalName ?? `exit code ${code}`}${last}`, next ?? 'read the lines above');
      failure.output = output.join('\n');
      reject(failure);
    });
  });
}
