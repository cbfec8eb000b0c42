#!/usr/bin/env node
// The whole thing on this machine: the Worker in workerd, in front of a demo site, with a provider to sign in at.

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ROOT, endAll, isEnding, nodeTool, run, start } from './lib/run.mjs';
import { Failure, headline, isColoured, paint, say, script } from './lib/terminal.mjs';

const HELP = `
Usage: npm start [-- options]

Builds the Worker and runs it in front of a demo site, with a demo provider to sign in at.
The first time takes about 7 minutes on 2 cores; it says what it is doing. Ctrl-C ends everything.

  --port N             the Worker's port, where you go with the browser (8787)
  --origin-port N      the demo site's port (8788)
  --provider-port N    the demo provider's port (8789)
                       0 takes any free port
  --state DIR          where .demo/ is kept (this folder)
  --help               this text

The demo's settings, secrets (made once) and state go to .demo/.
Your wrangler.toml and .dev.vars are neither read for them nor changed.
`;

const READY_WITHIN_MS = 60_000;

const RULES = [
  { path: '/', access: 'optional' },
  { path: '/public/*', access: 'public' },
  { path: '/ws', access: 'login' },
  { path: '/admin/*', access: 'deny' },
  { path: '/*', access: 'login' },
];

await script(HELP, async (argv) => {
  const options = parseOptions(argv);
  const folder = stateFolder(options.state);
  const port = await freePort('port', options.port);
  const publicUrl = `http://localhost:${port}`;

  headline('Building the Worker');
  await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { show: true, next: 'npm run build' });

  headline('Starting');
  const secretsFile = join(folder, '.dev.vars');
  const secrets = localSecrets(secretsFile);
  // Only now: what npm has brought may not be there before the build has said so.
  const { startOrigin } = await import('../demo/origin.mjs');
  const { ACCOUNTS, startProvider, workerClient } = await import('../demo/provider.mjs');
  const origin = await onPort('origin-port', options['origin-port'], startOrigin);
  const provider = await onPort('provider-port', options['provider-port'], (at) =>
    startProvider({ ...at, registration: true, clients: [workerClient({ clientSecret: secrets.OIDC_CLIENT_SECRET, publicUrl })] }));

  const worker = startWorker(port, folder, secretsFile, {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'edge-oidc-demo',
    OIDC_ORIGIN: origin.url,
    OIDC_PUBLIC_URL: publicUrl,
    OIDC_SCOPES: ['openid', 'email', 'profile', 'groups'],
    OIDC_RULES: RULES,
  });
  try {
    await Promise.race([untilReady(port), worker.ended]);
  } catch (error) {
    worker.speak(true);
    throw error;
  }
  // What wrangler says while it starts helps only when it can't.
  worker.speak(false);
  greet(publicUrl, provider.issuer, origin.url, ACCOUNTS);
  await worker.ended;
});

await endAll();
process.exit();

function parseOptions(argv) {
  const ports = { port: 8787, 'origin-port': 8788, 'provider-port': 8789 };
  const text = (fallback) => ({ type: 'string', default: String(fallback) });
  let values;
  try {
    const options = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, text(port)]));
    ({ values } = parseArgs({ args: argv, options: { ...options, state: text(ROOT) } }));
  } catch (error) {
    throw new Failure(error.message, 'npm start -- --help');
  }
  for (const name of Object.keys(ports)) {
    if (!/^\d+$/.test(values[name]) || Number(values[name]) > 65_535) throw new Failure(`--${name} expects a port, got ${values[name]}`, 'npm start -- --help');
    values[name] = Number(values[name]);
  }
  return { ...values, state: resolve(values.state) };
}

/** Where the demo keeps what it needs: known before anything takes long. */
function stateFolder(state) {
  const folder = join(state, '.demo');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Failure(`${folder} can't be made (${error.code})`, 'npm start -- --state DIR');
  }
  return folder;
}

/** `port`, or any free one for 0; fails when it is taken. */
function freePort(option, port) {
  return new Promise((fulfil, reject) => {
    const probe = createServer();
    probe.once('error', (error) => reject(portFailure(option, port, error)));
    probe.listen(port, '127.0.0.1', () => {
      const free = probe.address().port;
      probe.close(() => fulfil(free));
    });
  });
}

async function onPort(option, port, startServer) {
  try {
    return await startServer({ port });
  } catch (error) {
    throw error.syscall === 'listen' ? portFailure(option, port, error) : error;
  }
}

function portFailure(option, port, error) {
  const why = error.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${error.code})`;
  return new Failure(`port ${port} ${why}`, `npm start -- --${option} ${port + 1000 > 65_535 ? 0 : port + 1000}`);
}

/** The secrets of a .dev.vars of the demo's own, which is made when there is none: the doctor would try them elsewhere. */
function localSecrets(file) {
  if (!existsSync(file)) {
    const random = () => randomBytes(32).toString('base64url');
    const lines = ['# Local secrets, made by npm start. Never for a deployment.', `OIDC_SECRET_KEY="${random()}"`, `OIDC_CLIENT_SECRET="${random()}"`];
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    say(`made ${file} with fresh local secrets`);
  }
  const lines = readFileSync(file, 'utf8').matchAll(/^\s*(?:export\s+)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#\n]*))/gm);
  const secrets = Object.fromEntries([...lines].map(([, name, double, single, bare]) => [name, double ?? single ?? bare.trim()]));
  for (const name of ['OIDC_SECRET_KEY', 'OIDC_CLIENT_SECRET']) {
    if (!secrets[name]) throw new Failure(`${file} has no ${name}`, `mv ${file} ${file}.old && npm start`);
  }
  return secrets;
}

/**
 * Starts `wrangler dev`. `ended` rejects when it ends, since nothing but Ctrl-C should end it; what it prints
 * is kept back until `speak(withPast)`.
 */
function startWorker(port, folder, secretsFile, vars) {
  const file = join(folder, 'wrangler.json');
  writeFileSync(file, `${JSON.stringify(wranglerConfig(vars), null, 2)}\n`);
  const child = start(nodeTool('wrangler'), [
    'dev', '--config', file, '--env-file', secretsFile, '--local', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0',
    '--persist-to', join(folder, 'state'), '--show-interactive-dev-session=false', '--log-level', 'info',
  ], { env: isColoured() ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' } });

  let past = [];
  const show = (line) => say(`${paint('dim', 'worker |')} ${line}`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => line.trim() && (past ? past.push(line) : show(line)));
  }
  const ended = new Promise((_resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`wrangler can't be started: ${error.code}`, 'npm ci')));
    child.on('exit', (code, signal) => {
      if (!isEnding()) reject(new Failure(`the Worker has ended (${signal ?? `exit code ${code}`})`, 'read the lines above, then: npm start'));
    });
  });
  // Awaited later; until then it must not count as unhandled.
  ended.catch(() => {});
  return {
    ended,
    speak: (withPast) => {
      if (withPast) past?.forEach(show);
      past = undefined;
    },
  };
}

/** The demo's configuration: the runtime of the real one, with settings of its own. */
function wranglerConfig(vars) {
  const [, compatibilityDate] = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8').match(/^compatibility_date = "([^"]+)"/m);
  return {
    name: 'edge-oidc-demo',
    main: join(ROOT, 'build', 'index.js'),
    compatibility_date: compatibilityDate,
    build: { command: 'node scripts/build.mjs', cwd: ROOT, watch_dir: join(ROOT, 'src') },
    vars,
    secrets: { required: ['OIDC_SECRET_KEY', 'OIDC_CLIENT_SECRET'] },
    kv_namespaces: [{ binding: 'OIDC_CREDENTIALS' }],
  };
}

async function untilReady(port) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/oidc_health`).catch(() => undefined);
    if (answer?.ok) return;
    if (answer?.status === 500) throw new Failure('the Worker says that it is misconfigured', 'read its log above; if you have changed .demo/.dev.vars: rm .demo/.dev.vars && npm start');
    await new Promise((wake) => setTimeout(wake, 200));
  }
  throw new Failure(`the Worker doesn't answer after ${READY_WITHIN_MS / 1000} s`, 'npm start');
}

function greet(publicUrl, issuer, originUrl, accounts) {
  headline('Ready');
  say(`  Open      ${paint('cyan', `${publicUrl}/`)}`);
  say(`  Accounts  ${Object.entries(accounts).map(([name, { password }]) => `${name} / ${password}`).join(',  ')}   (name / password)`);
  say(`  Try       ${publicUrl}/private/      asks you to sign in, then shows who the site thinks you are`);
  say(`            ${publicUrl}/api/whoami    the same as JSON`);
  say(`            ${publicUrl}/admin/        is denied by a rule, signed in or not`);
  say(`            ${publicUrl}/oidc_logout   signs out here and at the provider`);
  say(`  Behind    the site is ${originUrl}, the provider ${issuer}`);
  say(`  Set up    npm run setup -- --local --provider ${issuer} --site http://localhost:8790 --origin ${originUrl}`);
  say(`            npx wrangler dev --port 8790, in another terminal: your own wrangler.toml, with a client of its own`);
  say(`\n  Ctrl-C ends everything.\n`);
}
