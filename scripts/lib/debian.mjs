// Programs that are not npm's: found where they usually are, or installed as Debian has them.

import { accessSync, constants, existsSync } from 'node:fs';
import { run } from './run.mjs';
import { Failure, withProgress } from './terminal.mjs';

/**
 * The path of a program that can be started: the one that the variable of the environment names, one of the usual
 * places, or, as root on Debian or Ubuntu, the first of them after `apt-get install name`; unless it is had `elsewhere`.
 */
export async function programOf({ name, purpose, variable, places, elsewhere }) {
  const asked = process.env[variable];
  if (asked) {
    if (!isExecutable(asked)) throw new Failure(`${variable} is ${asked}, which can't be executed`, `export ${variable}=/path/to/${name}`);
    return asked;
  }
  const found = places.find(isExecutable);
  if (found) return found;
  if (elsewhere) throw new Failure(`no ${name} found for ${purpose}`, `${elsewhere}, then: export ${variable}=/path/to/${name}`);
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!canInstall) throw new Failure(`no ${name} found for ${purpose}`, `sudo apt-get install ${name}, or: export ${variable}=/path/to/${name}`);
  await install(name);
  if (!isExecutable(places[0])) throw new Failure(`apt-get has installed no ${places[0]}`, `export ${variable}=/path/to/${name}`);
  return places[0];
}

function install(name) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  return withProgress(`Installing ${name} with apt-get (about a minute)`, async (report) => {
    const options = { env, onLine: report, next: `apt-get update && apt-get install --no-install-recommends ${name}` };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', name], options);
  });
}

/** Whether a program lies there that can be started. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
