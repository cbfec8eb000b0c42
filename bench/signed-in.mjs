#!/usr/bin/env node
// The processor time of one signed-in request, beside the least that any Worker in front of an origin costs.

import { ACCOUNTS } from '../demo/provider.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { startBare, startHono, startSealed, startStage } from './lib/contenders.mjs';
import { builtWorker, circumstances, load, versionsOf, writeResult } from './lib/machine.mjs';
import { startApache, startNginx } from './lib/native.mjs';
import { requireProc } from './lib/process.mjs';
import { CONCURRENCY, LONG_WARM_UP, PAGE, measured, parsed, show, signedIn, summary } from './lib/rounds.mjs';
import { say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- signed-in [--rounds N] [--requests N] [--warm-up N] [--beside FOLDER]

Processor time (user and kernel) for each request with a session: of ours; of a Worker in JavaScript that only
sets three headers and forwards, the floor; of one that only forwards; of one with a JWE by npm jose in a cookie;
of one with @hono/oidc-auth; and, where they are installed, of nginx that sets three headers and of Apache with
mod_auth_openidc. The rounds are interleaved; of each contender the median counts. Takes about two minutes on 2
cores; writes bench/results/signed-in.json and a chart of it.
There is no pass or fail. On a busy machine all figures rise, the ratio less so.

  --rounds N        for each contender; 30 unless told
  --requests N      for each round; 1000 unless told
  --warm-up N       requests to each contender before the first round; 20000 unless told
  --beside FOLDER   another build of the Worker, measured in the same rounds; nothing is written then
  --help            this text
`;

const PATIENCE_MS = 15 * 60_000;

await script(HELP, async () => {
  const options = parsed('signed-in', { rounds: 30, requests: 1000, 'warm-up': LONG_WARM_UP, beside: undefined });
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const closing = [];
  try {
    const { contenders, absent, natives } = await started(options.beside, closing);
    absent.forEach((why) => say(`not measured: ${why}`));
    const start = Date.now();
    const rounds = await withProgress(`${options.rounds} rounds of ${options.requests} requests for each of ${contenders.length}`, (report) =>
      measured(contenders, options, deadline, report));
    const results = summary(rounds, 'floor');
    show('Processor time of one signed-in request', results, Date.now() - start);
    if (options.beside) return say(`beside: ${JSON.stringify(builtWorker(options.beside))}`);
    const { rounds: count, requests } = options;
    const others = { ...versionsOf('jose', 'hono', '@hono/oidc-auth'), ...natives };
    say(`written: ${writeResult('signed-in', { ...began, load_after: load(), rounds: count, requests_a_round: requests, warm_up: options['warm-up'], concurrency: CONCURRENCY, contender_versions: others, absent, microseconds_a_request: results })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

/** Each in a process of its own, before the same origin, with a session of its own at the same provider. */
async function started(beside, closing) {
  const { origin, ports, stack } = await startStage(closing);
  const { issuer } = stack.provider;
  const ours = { Cookie: await signedIn(stack), Host: `localhost:${stack.port}` };
  const [absent, natives] = [[], {}];
  const contenders = [
    { name: 'forwards only', ...(await startBare('pass_through', origin.url, closing)) },
    { name: 'floor', ...(await startBare('floor', origin.url, closing)) },
    { name: 'ours', ...stack.worker, headers: { ...PAGE, ...ours } },
    { name: 'jose, sealed cookie', ...(await startSealed(issuer, origin.url, ACCOUNTS.alice.claims, closing)) },
    { name: '@hono/oidc-auth', ...(await startHono(issuer, origin.url, ports.hono, closing)) },
  ];
  if (beside) {
    const other = await startWorker({ vars: stack.vars, kv: stack.kv.address, build: beside });
    closing.push(() => other.close());
    contenders.push({ name: 'beside', ...other, headers: { ...PAGE, ...ours } });
  }
  for (const [name, native] of [['nginx alone', await startNginx(origin.url, closing)], ['Apache, mod_auth_openidc', await startApache(issuer, origin.url, ports.apache, closing)]]) {
    if (typeof native === 'string') absent.push(native);
    else {
      contenders.push({ name, ...native });
      natives[name] = native.version;
    }
  }
  return { contenders, absent, natives };
}
