// What the providers of the interoperability tests have in common.

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something answers there, or the program has ended. */
export async function isUp(url, child) {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
  throw new Error(`nothing answers at ${url}`);
}

/** Ends a program. */
export function ended(child) {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), 3000);
  return exited.finally(() => clearTimeout(insist));
}
