#!/usr/bin/env node
// Finds the browser of the tests, or installs Debian's.

import { pathToFileURL } from 'node:url';
import { programOf } from './lib/debian.mjs';
import { say, script } from './lib/terminal.mjs';

const HELP = `
Usage: node scripts/chromium.mjs

Prints the path of the Chromium that the tests use: CHROME_PATH, or one in its usual places.
As root on Debian or Ubuntu a missing one is installed with apt-get.
`;

/** With these it runs as root, without a screen, and calls nobody. */
export const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** The path of a Chromium that can be started. */
export function chromium() {
  return programOf({
    name: 'chromium',
    purpose: 'the browser tests',
    variable: 'CHROME_PATH',
    places: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await script(HELP, async () => say(await chromium()));
}
