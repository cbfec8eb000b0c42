// The native programs: compiled once, run with a folder of their own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILD = ['build', '--quiet', '--features', 'tools', '--bins', '--message-format', 'json'];

/** Runs a program to its end: `{ code, stdout, stderr }`. */
export function run(command, args, options) {
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

/** Compiles the programs unless that has been done; the path of the one with this name. */
export async function program(name) {
  const { code, stdout, stderr } = await run('cargo', BUILD, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
  assert.equal(code, 0, stderr);
  const messages = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  return messages.find((message) => message.executable && message.target.name === name).executable;
}
