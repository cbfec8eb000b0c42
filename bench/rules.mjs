#!/usr/bin/env node
// What a hundred rules cost a signed-in request, beside one.

import { startStack } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { circumstances, load, writeResult } from './lib/machine.mjs';
import { requireProc } from './lib/process.mjs';
import { CONCURRENCY, measured, parsed, show, signedIn, startBareOrigin, summary, withCookie } from './lib/rounds.mjs';
import { rules } from './lib/rules.mjs';
import { Failure, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- rules [--rounds N] [--requests N]

Processor time of workerd for each request with a session that the last of a hundred rules lets pass, against
the same request under a single rule. The rounds are interleaved, the medians count. Takes about a minute on
2 cores; writes bench/results/rules.json, and fails when the hundred cost more than 5 % more.

  --rounds N     for each of the two; 15 unless told
  --requests N   for each round; 2500 unless told
  --help         this text
`;

const PATIENCE_MS = 10 * 60_000;
const MOST = 1.05;

const [ONE, HUNDRED] = [rules(1), rules(100)];

await script(HELP, async () => {
  const options = parsed('rules', { rounds: 15, requests: 2500 });
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const origin = await startBareOrigin();
  const closing = [() => origin.close()];
  try {
    const stack = await startStack({ vars: { OIDC_ORIGIN: origin.url, OIDC_RULES: ONE } });
    closing.push(() => stack.close());
    const cookie = await signedIn(stack);
    const many = await startWorker({ vars: { ...stack.vars, OIDC_RULES: HUNDRED }, kv: stack.kv.address });
    closing.push(() => many.close());
    const all = withCookie({ one: stack.worker, hundred: many }, { cookie, host: `localhost:${stack.port}` });
    const start = Date.now();
    const figures = await withProgress(`${options.rounds} rounds of ${options.requests} requests under one rule and under ${HUNDRED.length}`, (report) =>
      measured(all, options, deadline, report));
    const results = summary(figures, 'one');
    show('Processor time of one signed-in request', results, Date.now() - start);
    const { rounds, requests } = options;
    say(`written: ${writeResult('rules', { ...began, load_after: load(), rounds, requests_a_round: requests, concurrency: CONCURRENCY, microseconds_a_request: results })}`);
    if (results.hundred.ratio > MOST) throw new Failure(`a hundred rules cost ${results.hundred.ratio} times as much as one, more than ${MOST}`, 'npm run bench -- rules, when nothing else runs');
  } finally {
    for (const close of closing.reverse()) await close();
  }
});
