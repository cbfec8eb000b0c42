#!/usr/bin/env node
// Deploys the Worker with the project's own wrangler.

import { spawnSync } from 'node:child_process';
import { environment, nodeTool } from './lib/run.mjs';
import { Failure, script } from './lib/terminal.mjs';

const HELP = `
Usage: npm run deploy [-- options of "wrangler deploy"]

Builds the Worker if its sources have changed and deploys it as wrangler.toml says.

  npm run deploy -- --dry-run              everything but the upload
  npm run deploy -- --secrets-file FILE    with the secrets, for the first deployment
  npm run deploy -- --env staging          an environment of wrangler.toml
`;

await script(HELP, (argv) => {
  // It may ask: it has the terminal to itself.
  const { status, signal } = spawnSync(nodeTool('wrangler'), ['deploy', ...argv], { stdio: 'inherit', env: environment() });
  if (status !== 0) throw new Failure(`wrangler deploy ended with ${signal ?? `exit code ${status}`}`, 'read the lines above, then: npm run deploy');
});
