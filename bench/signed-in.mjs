#!/usr/bin/env node
// The processor time of one signed-in request, beside the least that any Worker in front of an origin costs.

import { join } from 'node:path';
import { startStack } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { builtWorker, circumstances, load, writeResult } from './lib/machine.mjs';
import { requireProc } from './lib/process.mjs';
import { CONCURRENCY, measured, parsed, show, signedIn, startBareOrigin, summary, withCookie } from './lib/rounds.mjs';
import { ROOT } from '../scripts/lib/run.mjs';
import { say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- signed-in [--rounds N] [--requests N] [--beside FOLDER]

Processor time of workerd (user and kernel) for each request with a session, against a Worker in JavaScript
that only sets three headers and forwards (bench/contenders/floor.mjs). The rounds are interleaved; of each
contender the median counts. Takes about a minute on 2 cores; writes bench/results/signed-in.json.
There is no pass or fail. On a busy machine all figures rise, the ratio less so.

  --rounds N        for each contender; 50 unless told
  --requests N      for each round; 300 unless told
  --beside FOLDER   another build of the Worker, measured in the same rounds; nothing is written then
  --help            this text
`;

const PATIENCE_MS = 10 * 60_000;

await script(HELP, async () => {
  const options = parsed('signed-in', { rounds: 50, requests: 300, beside: undefined });
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const origin = await startBareOrigin();
  const closing = [() => origin.close()];
  try {
    const contenders = await started(options.beside, origin.url, closing);
    const start = Date.now();
    const rounds = await withProgress(`${options.rounds} rounds of ${options.requests} requests for each of ${contenders.length}`, (report) =>
      measured(contenders, options, deadline, report));
    const results = summary(rounds, 'floor');
    show('Processor time of one signed-in request', results, Date.now() - start);
    if (options.beside) return say(`beside: ${JSON.stringify(builtWorker(options.beside))}`);
    const { rounds: count, requests } = options;
    say(`written: ${writeResult('signed-in', { ...began, load_after: load(), rounds: count, requests_a_round: requests, concurrency: CONCURRENCY, microseconds_a_request: results })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

/** Each in a process of its own, with the same cookie in every request. */
async function started(beside, origin, closing) {
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin } });
  closing.push(() => stack.close());
  const cookie = await signedIn(stack);
  const workers = { floor: await startWorker({ vars: { OIDC_ORIGIN: origin }, build: join(ROOT, 'bench', 'contenders'), modules: { 'floor.mjs': 'esModule' } }), ours: stack.worker };
  closing.push(() => workers.floor.close());
  if (beside) {
    const other = await startWorker({ vars: stack.vars, kv: stack.kv.address, build: beside });
    closing.push(() => other.close());
    workers.beside = other;
  }
  return withCookie(workers, { cookie, host: `localhost:${stack.port}` }, closing);
}
