// The Worker under `wrangler dev`: what only wrangler brings, such as static assets.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, end, nodeTool, run, start } from '../../../scripts/lib/run.mjs';

const READY_WITHIN_MS = 60_000;
const PLAIN = { NO_COLOR: '1', FORCE_COLOR: '0', CI: '1' };

/** What `wrangler deploy --dry-run` says of a configuration; it rejects when wrangler does not accept it. */
export function dryRun(config) {
  return run(nodeTool('wrangler'), ['deploy', '--dry-run', '--config', config], { env: PLAIN });
}

/**
 * Starts the Worker of the first configuration, with those of the others for its service bindings, and resolves to
 * `{ publicUrl, log, close }`. `vars` and `secrets` win over what the configuration says; `database` is that of the first
 * whose migrations are made before.
 */
export async function startWrangler({ configs, port, vars = {}, secrets, database }) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  if (database) {
    const migrate = ['d1', 'migrations', 'apply', database, '--local', '--persist-to', join(folder, 'state'), '--config', configs[0]];
    await run(nodeTool('wrangler'), migrate, { env: PLAIN });
  }
  const secretsFile = join(folder, 'secrets');
  writeFileSync(secretsFile, Object.entries(secrets).map(([name, value]) => `${name}="${value}"\n`).join(''));
  const given = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${typeof value === 'string' ? value : JSON.stringify(value)}`]);
  const child = start(nodeTool('wrangler'), [
    'dev', ...configs.flatMap((config) => ['--config', config]), '--env-file', secretsFile, '--local', '--local-protocol', 'http', '--infer-origin-from-routes=false', '--ip', '127.0.0.1',
    '--port', String(port), '--inspector-port', '0', '--persist-to', join(folder, 'state'), ...given,
  ], { env: PLAIN, cwd: ROOT });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
  const close = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const publicUrl = `http://localhost:${port}`;
  const answer = await firstAnswer(`http://127.0.0.1:${port}/oidc_health`);
  if (answer?.status === 200) return { publicUrl, log: () => log, close };
  await close();
  throw new Error(`the Worker ${answer ? `answers ${answer.status}` : "doesn't answer"}:\n${log}`);
}

async function firstAnswer(url) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return answer;
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return undefined;
}
