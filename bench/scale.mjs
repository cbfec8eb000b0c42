#!/usr/bin/env node
// How the cost of a request grows with what there is: its cookie, the rules, the tokens that are known, sign-ins at once.

import { ACCOUNTS } from '../demo/provider.mjs';
import { startKv } from '../tests/e2e/support/kv.mjs';
import { CLIENT_ID, CLIENT_SECRET, startLyingProvider } from '../tests/e2e/support/lying_provider.mjs';
import { SECRET_KEY, startStack } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { Client, each } from './lib/client.mjs';
import { circumstances, load, round, writeResult } from './lib/machine.mjs';
import { processorSeconds, requireProc } from './lib/process.mjs';
import { PAGE, measured, median, parsed, signedIn, startBareOrigin } from './lib/rounds.mjs';
import { rules } from './lib/rules.mjs';
import { signInOnce } from './lib/sign_in.mjs';
import { Failure, headline, paint, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- scale [--rounds N] [--requests N] [--only NAME]

Processor time of workerd for one request, as something grows: the session's cookie from 300 bytes to 12 kB, the
sessions that ask in turn from 1 to 3,000, the rules from 1 to 1,000, the access tokens that are asked with in turn from 1 to 10,000 (of which 1,024 are kept), and for one
sign-in, the sign-ins at once from 1 to 200. Interleaved rounds; the medians count. Takes about 4 minutes on 2 cores;
writes bench/results/scale-NAME.json. Exit code 1 when a cost grows faster than what it has to read.

  --rounds N     for each point; 15 unless told
  --requests N   for each round; 500 unless told
  --only NAME    cookie, sessions, rules, tokens or sign-ins
  --help         this text
`;

const PATIENCE_MS = 15 * 60_000;
const HOUR = 3600;
const PARTS = { cookie, sessions, rules: byRules, tokens, 'sign-ins': signIns };

await script(HELP, async () => {
  const options = parsed('scale', { rounds: 15, requests: 500, only: '' });
  if (options.only && !PARTS[options.only]) throw new Failure(`expected one of ${Object.keys(PARTS)} for --only, got ${options.only}`, 'npm run bench -- scale --help');
  requireProc();
  const worse = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (options.only && options.only !== name) continue;
    const began = { ...circumstances(), load_before: load() };
    const closing = [];
    try {
      const { title, across, up, points } = await withProgress(name, (report) => part({ ...options, deadline: Date.now() + PATIENCE_MS, report }, closing));
      const { verdict, isWorse } = judged(points);
      headline(title);
      for (const [x, y] of points) say(`  ${String(x).padStart(8)}  ${String(y).padStart(8)} ${up}`);
      say(isWorse ? paint('red', verdict) : verdict);
      say(`written: ${writeResult(`scale-${name}`, { ...began, load_after: load(), title, across, up, curves: [{ name: 'ours', points }], verdict })}`);
      if (isWorse) worse.push(name);
    } finally {
      for (const close of closing.reverse()) await close();
    }
  }
  if (worse.length) throw new Failure(`grows faster than what is read: ${worse}`, 'npm run bench -- scale, when nothing else runs');
});

/** By what factor the cost grows between the ends, beside what it is for. */
function judged(points) {
  const [[few, least], [many, most]] = [points[0], points.at(-1)];
  const [more, cost] = [many / few, most / least];
  return { verdict: `From ${few} to ${many}, ${round(more, 1)} times as much, the cost is ${round(cost, 2)} times as high.`, isWorse: cost >= more };
}

async function pointsOf(contenders, { rounds, requests, deadline, report }) {
  const figures = await measured(contenders, { rounds, requests }, deadline, report);
  return contenders.map(({ name, x }) => [x, round(median(figures[name]), 1)]);
}

async function cookie(options, closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  // What is sealed is a third larger in base64url, and has some 150 bytes beside the claims.
  const sizes = [300, 600, 1200, 2400, 4800, 9600, 12_000];
  const accounts = Object.fromEntries(sizes.map((size) => [`size-${size}`, accountOf(`size-${size}`, size * 0.75 - 150)]));
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin.url }, provider: { accounts: { ...ACCOUNTS, ...accounts } } });
  closing.push(() => stack.close());
  const contenders = [];
  for (const name of Object.keys(accounts)) {
    const session = await signedIn(stack, name);
    contenders.push({ name, x: session.length, port: stack.port, pid: stack.worker.pid, headers: { ...PAGE, Cookie: session } });
  }
  return { title: 'One signed-in request, by the size of its cookie', across: 'bytes of the session’s cookies', up: 'µs', points: await pointsOf(contenders, options) };
}

function accountOf(name, bytes) {
  const groups = Array.from({ length: Math.max(0, Math.floor(bytes / 16)) }, (_, n) => `department-${n}`.slice(-13).padStart(13, 'x'));
  return { password: name, claims: { sub: name, ...(groups.length && { groups }) } };
}

async function sessions(options, closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  const { provider, vars, kv } = await signInsOnly(origin.url, closing);
  const contenders = [];
  for (const x of [1, 10, 100, 1000, 3000]) {
    const worker = await startWorker({ vars, kv: kv.address });
    closing.push(() => worker.close());
    const client = new Client(worker.port, 16);
    closing.push(() => client.close());
    const cookies = [];
    options.report(`${x} sign-ins`);
    await each({ to: x, concurrency: 16, deadline: options.deadline }, async () => cookies.push(await signInOnce(client, provider, '/oidc_login?next=/')));
    contenders.push({ name: `${x} sessions`, x, ...worker, headers: PAGE, each: cookies.map((Cookie) => ({ Cookie })) });
  }
  return { title: 'One signed-in request, by how many sessions ask', across: 'sessions, asking in turn; 1,000 are remembered', up: 'µs', points: await pointsOf(contenders, options) };
}

/** What a Worker needs to sign visitors in at a provider that agrees at once. */
async function signInsOnly(origin, closing) {
  const [kv, provider] = [await startKv(), await startLyingProvider()];
  closing.push(() => kv.close(), () => provider.close());
  const vars = { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_SECRET_KEY: SECRET_KEY, OIDC_ORIGIN: origin };
  return { provider, vars, kv };
}

async function byRules(options, closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin.url, OIDC_RULES: rules(1) } });
  closing.push(() => stack.close());
  const headers = { ...PAGE, Cookie: await signedIn(stack), Host: `localhost:${stack.port}` };
  const contenders = [];
  for (const x of [1, 10, 100, 1000]) {
    const worker = await startWorker({ vars: { ...stack.vars, OIDC_RULES: rules(x) }, kv: stack.kv.address });
    closing.push(() => worker.close());
    contenders.push({ name: `${x} rules`, x, ...worker, headers });
  }
  return { title: 'One signed-in request, by the number of rules', across: 'rules, of which the last one decides', up: 'µs', points: await pointsOf(contenders, options) };
}

async function tokens(options, closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  const provider = await startLyingProvider();
  closing.push(() => provider.close());
  provider.lies.edit = { '/.well-known/openid-configuration': (metadata) => ({ ...metadata, introspection_endpoint: `${provider.issuer}/introspect` }) };
  const active = JSON.stringify({ active: true, client_id: 'robot', sub: 'robot', scope: 'read', exp: Math.floor(Date.now() / 1000) + HOUR });
  provider.lies.answer = { '/introspect': (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(active) };
  const contenders = [];
  for (const x of [1, 10, 100, 1000, 10_000]) {
    const worker = await startWorker({
      vars: {
        OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_ORIGIN: origin.url, OIDC_RESOURCE_SERVER_ONLY: true,
        OIDC_RULES: [{ path: '/*', access: 'token' }], OIDC_ACCESS_TOKENS: 'introspection', OIDC_INTROSPECTION_CACHE_TTL: HOUR,
      },
    });
    closing.push(() => worker.close());
    contenders.push({ name: `${x} tokens`, x, ...worker, headers: { Accept: 'application/json' }, each: Array.from({ length: x }, (_, n) => ({ Authorization: `Bearer an-opaque-token-${n}` })) });
  }
  return { title: 'One request with an access token, by how many are in use', across: 'tokens, used in turn; 1,024 are kept', up: 'µs', points: await pointsOf(contenders, options) };
}

async function signIns({ rounds, deadline, report }, closing) {
  const { provider, vars, kv } = await signInsOnly('http://127.0.0.1:9', closing);
  const worker = await startWorker({ vars, kv: kv.address });
  closing.push(() => worker.close());
  const figures = { 1: [], 10: [], 50: [], 100: [], 200: [] };
  const clients = Object.fromEntries(Object.keys(figures).map((many) => [many, new Client(worker.port, Number(many))]));
  closing.push(() => Object.values(clients).forEach((client) => client.close()));
  const many = (to, concurrency) => each({ to, concurrency, deadline }, () => signInOnce(clients[concurrency], provider, '/oidc_login?next=/'));
  await many(200, 10);
  for (let n = 0; n < rounds; n += 1) {
    for (const concurrency of Object.keys(figures).map(Number)) {
      const before = processorSeconds(worker.pid);
      await many(200, concurrency);
      figures[concurrency].push(((processorSeconds(worker.pid) - before) * 1e6) / 200);
      report(`round ${n + 1}, ${concurrency} at once`);
    }
  }
  const points = Object.entries(figures).map(([concurrency, costs]) => [Number(concurrency), round(median(costs), 1)]);
  return { title: 'One sign-in, by how many there are at once', across: 'sign-ins at once', up: 'µs', points };
}
