#!/usr/bin/env node
// Checks the crates that are built on: advisories, licences, where they come from (deny.toml).

import { parseArgs } from 'node:util';
import { run } from './lib/run.mjs';
import { Failure, paint, say, script } from './lib/terminal.mjs';
import { denyTool } from './lib/tools.mjs';

const HELP = `
Usage: npm run crates [-- --if-available]

Checks the crates against deny.toml: known vulnerabilities, licences, sources.
The first time compiles cargo-deny (about 5 minutes on 2 cores).
Exit code 1 when one of them does not pass. Where the database of advisories can't be had, the rest is checked.

  --if-available    exit code 0 where cargo-deny can't be had
  --help            this text
`;

await script(HELP, async () => {
  const cargoDeny = await available(parsed());
  if (!cargoDeny) return;
  const check = (args, checks) => run(cargoDeny, [...args, 'check', '--hide-inclusion-graph', ...checks], { show: true, next: 'mend what is reported above, or say in deny.toml why it may stay' });
  const hasAdvisories = await run(cargoDeny, ['fetch', 'db']).then(() => true, () => false);
  if (hasAdvisories) await check([], []);
  else {
    say('advisories are not checked: their database can not be had from here');
    await check(['--offline'], ['licenses', 'bans', 'sources']);
  }
  say(paint('green', 'the dependencies pass'));
});

function parsed() {
  try {
    return parseArgs({ options: { 'if-available': { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new Failure(error.message, 'npm run crates -- --help');
  }
}

async function available({ 'if-available': isOptional }) {
  try {
    return await denyTool();
  } catch (error) {
    if (!isOptional || !(error instanceof Failure)) throw error;
    say(`cargo-deny can't be had here, so the dependencies are not checked: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}
