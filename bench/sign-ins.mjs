#!/usr/bin/env node
// What a whole sign-in costs on our side of the wire.

import { countingWorker, countsOf } from '../tests/e2e/support/counting.mjs';
import { startKv } from '../tests/e2e/support/kv.mjs';
import { CLIENT_ID, CLIENT_SECRET, startLyingProvider } from '../tests/e2e/support/lying_provider.mjs';
import { SECRET_KEY } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { Client, each } from './lib/client.mjs';
import { bundled } from './lib/contenders.mjs';
import { circumstances, load, versionsOf, writeResult } from './lib/machine.mjs';
import { familyOf, processorSeconds, requireProc } from './lib/process.mjs';
import { parsed, show, summary } from './lib/rounds.mjs';
import { signInOnce } from './lib/sign_in.mjs';
import { say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- sign-ins [--rounds N] [--requests N]

Processor time of workerd for a whole sign-in: the redirect to the provider, the callback, the code redeemed, the ID
token verified, userinfo asked, the session stored and sealed. The provider signs and answers at once, in the process
of the benchmark, whose time does not count. Each store, without userinfo, and @hono/oidc-auth, in interleaved rounds;
then what a sign-in asks of provider and store, counted. Takes about a minute on 2 cores; writes
bench/results/sign-ins.json. There is no pass or fail.

  --rounds N     for each contender; 11 unless told
  --requests N   sign-ins for each round; 100 unless told
  --help         this text
`;

const PATIENCE_MS = 15 * 60_000;
const CONCURRENCY = 8;
const WARM_UP = 100;

await script(HELP, async () => {
  const options = parsed('sign-ins', { rounds: 11, requests: 100 });
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const closing = [];
  try {
    const provider = await startLyingProvider();
    closing.push(() => provider.close());
    // @hono/oidc-auth asks for all of these, and needs them listed.
    provider.lies.edit = { '/.well-known/openid-configuration': (metadata) => ({ ...metadata, scopes_supported: ['openid', 'email'] }) };
    const contenders = await started(provider, closing);
    const start = Date.now();
    const rounds = await withProgress(`${options.rounds} rounds of ${options.requests} sign-ins for each of ${contenders.length}`, (report) =>
      measured(contenders, provider, options, deadline, report));
    const results = summary(rounds, 'ours, kv');
    show('Processor time of one sign-in', results, Date.now() - start);
    const signIns = Object.fromEntries(contenders.map(({ name, provider: asked, store }) => {
      const { median, ratio, least, most } = results[name];
      return [name, { microseconds: median, ratio, least, most, a_second: Math.round(1e6 / median), provider: asked, store }];
    }));
    for (const [name, { a_second: rate, provider: asked, store }] of Object.entries(signIns)) say(`  ${name}: ${rate} a second and processor; ${JSON.stringify(asked)}, ${JSON.stringify(store ?? 'not counted')}`);
    say(`written: ${writeResult('sign-ins', { ...began, load_after: load(), rounds: options.rounds, sign_ins_a_round: options.requests, concurrency: CONCURRENCY, contender_versions: versionsOf('hono', '@hono/oidc-auth'), sign_ins: signIns })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

/** Each in a process of its own, with what one warm sign-in asks for. */
async function started(provider, closing) {
  const kv = await startKv();
  closing.push(() => kv.close());
  const vars = {
    OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_SECRET_KEY: SECRET_KEY,
    OIDC_ORIGIN: 'http://127.0.0.1:9', OIDC_SCOPES: ['openid', 'email'],
  };
  const counting = countingWorker();
  closing.push(() => counting.remove());
  const ours = async (name, store, more = {}) => {
    const options = { vars: { ...vars, OIDC_CREDENTIALS_STORE: store, ...more }, kv: kv.address, durable: store === 'durable', twin: false };
    const contender = await of(name, options, '/oidc_login?next=/', closing);
    const counted = await of(name, { ...options, build: counting.build, modules: counting.modules }, '/oidc_login?next=/', closing);
    await signInOnce(counted.client, provider, counted.target);
    await countsOf(counted.port);
    await signInOnce(counted.client, provider, counted.target);
    const { fetches, store: operations } = await countsOf(counted.port);
    return { ...contender, provider: fetches, store: operations };
  };
  const hono = await of('@hono/oidc-auth', {
    vars: { OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_AUTH_SECRET: SECRET_KEY, OIDC_REDIRECT_URI: '/callback', OIDC_ORIGIN: 'http://127.0.0.1:9' },
    ...(await bundled('hono', closing)),
  }, '/private/', closing);
  await signInOnce(hono.client, provider, hono.target);
  provider.requests.length = 0;
  await signInOnce(hono.client, provider, hono.target);
  const asked = {};
  for (const path of provider.requests) asked[path] = (asked[path] ?? 0) + 1;
  return [
    await ours('ours, kv', 'kv'),
    await ours('ours, durable', 'durable'),
    await ours('ours, memory', 'memory'),
    await ours('ours, kv, no userinfo', 'kv', { OIDC_USER_INFO_ENABLED: false }),
    { ...hono, provider: asked },
  ];
}

async function of(name, options, target, closing) {
  const { port, pid, close } = await startWorker(options);
  closing.push(close);
  const client = new Client(port, CONCURRENCY);
  closing.push(() => client.close());
  return { name, port, pids: familyOf(pid), client, target };
}

async function measured(contenders, provider, { rounds, requests }, deadline, report) {
  const many = (count, { client, target }) => each({ to: count, concurrency: CONCURRENCY, deadline }, () => signInOnce(client, provider, target));
  for (const contender of contenders) await many(WARM_UP, contender);
  const figures = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let n = 0; n < rounds; n += 1) {
    for (const [index] of contenders.entries()) {
      const contender = contenders[(index + n) % contenders.length];
      const before = processorSeconds(contender.pids);
      await many(requests, contender);
      figures[contender.name].push(Math.round(((processorSeconds(contender.pids) - before) * 1e6) / requests));
      report(`round ${n + 1}, ${contender.name}: ${figures[contender.name].at(-1)} µs`);
    }
  }
  return figures;
}
