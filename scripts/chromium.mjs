#!/usr/bin/env node
// Finds the browser of the tests, or installs Debian's.

import { accessSync, constants, existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { run } from './lib/run.mjs';
import { Failure, say, script, withProgress } from './lib/terminal.mjs';

const HELP = `
Usage: node scripts/chromium.mjs

Prints the path of the Chromium that the tests use: CHROME_PATH, or one in its usual places.
As root on Debian or Ubuntu a missing one is installed with apt-get.
`;

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The path of a Chromium that can be started. */
export async function chromium() {
  const asked = process.env.CHROME_PATH;
  if (asked) {
    if (!isExecutable(asked)) throw new Failure(`CHROME_PATH is ${asked}, which can't be executed`, 'export CHROME_PATH=/path/to/chromium');
    return asked;
  }
  const found = USUAL_PLACES.find(isExecutable);
  if (found) return found;
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!canInstall) {
    throw new Failure('no Chromium found for the browser tests', 'sudo apt-get install chromium, or: export CHROME_PATH=/path/to/chromium');
  }
  await install();
  if (!isExecutable(USUAL_PLACES[0])) throw new Failure(`apt-get has installed no ${USUAL_PLACES[0]}`, 'export CHROME_PATH=/path/to/chromium');
  return USUAL_PLACES[0];
}

function install() {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  return withProgress('Installing chromium with apt-get (about a minute)', async (report) => {
    const options = { env, onLine: report, next: 'apt-get update && apt-get install --no-install-recommends chromium' };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script(HELP, async () => say(await chromium()));
}
