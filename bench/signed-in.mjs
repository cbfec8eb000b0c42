#!/usr/bin/env node
// The processor time of one signed-in request, beside the least that any Worker in front of an origin costs.

import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { Client, each } from './lib/client.mjs';
import { builtWorker, circumstances, load, round, writeResult } from './lib/machine.mjs';
import { processorSeconds, requireProc } from './lib/process.mjs';
import { ROOT } from '../scripts/lib/run.mjs';
import { Failure, duration, headline, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- signed-in [--rounds N] [--requests N] [--beside FOLDER]

Processor time of workerd (user and kernel) for each request with a session, against a Worker in JavaScript
that only sets three headers and forwards (bench/contenders/floor.mjs). The rounds are interleaved; of each
contender the median counts. Takes about a minute on 2 cores; writes bench/results/signed-in.json.
There is no pass or fail. On a busy machine all figures rise, the ratio less so.

  --rounds N        for each contender; 15 unless told
  --requests N      for each round; 2500 unless told
  --beside FOLDER   another build of the Worker, measured in the same rounds; nothing is written then
  --help            this text
`;

const CONCURRENCY = 16;
const WARM_UP = 2000;
const PATIENCE_MS = 10 * 60_000;
const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Accept-Language': 'en', 'Accept-Encoding': 'gzip, br' };

await script(HELP, async () => {
  const options = parsed();
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const origin = await startOrigin();
  const closing = [() => origin.close()];
  try {
    const contenders = await started(options.beside, origin.url, closing);
    const start = Date.now();
    const rounds = await withProgress(`${options.rounds} rounds of ${options.requests} requests for each of ${contenders.length}`, (report) =>
      measured(contenders, options, deadline, report));
    const results = summary(contenders, rounds);
    show(results, Date.now() - start);
    if (options.beside) return say(`beside: ${JSON.stringify(builtWorker(options.beside))}`);
    const { rounds: count, requests } = options;
    say(`written: ${writeResult('signed-in', { ...began, load_after: load(), rounds: count, requests_a_round: requests, concurrency: CONCURRENCY, microseconds_a_request: results })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

function parsed() {
  const next = 'npm run bench -- signed-in --help';
  let options;
  try {
    options = parseArgs({ options: { rounds: { type: 'string', default: '15' }, requests: { type: 'string', default: '2500' }, beside: { type: 'string' } } }).values;
  } catch (error) {
    throw new Failure(error.message, next);
  }
  for (const name of ['rounds', 'requests']) {
    if (!/^[1-9]\d{0,6}$/.test(options[name])) throw new Failure(`expected a whole number for --${name}, got ${options[name]}`, next);
  }
  return { ...options, rounds: Number(options.rounds), requests: Number(options.requests) };
}

/** An origin that costs next to nothing, the same one for all. */
async function startOrigin() {
  const server = createServer((request, response) => {
    response.writeHead(request.headers['x-forwarded-user'] ? 200 : 500, { 'Content-Type': 'text/plain', 'Content-Length': '3' });
    response.end('ok\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Each in a process of its own, with the same cookie in every request. */
async function started(beside, origin, closing) {
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin } });
  closing.push(() => stack.close());
  const visitor = stack.visitor();
  const form = await visitor.open('/private/');
  // Ends at our bare origin, where there is nothing to read.
  await visitor.submit(form, { name: 'alice', password: 'alice' });
  const cookie = visitor.sessionCookies.map((name) => `${name}=${visitor.cookies[name]}`).join('; ');
  if (!cookie) throw new Failure('the visitor was not signed in', 'npm test -- e2e');

  const workers = { floor: await startWorker({ vars: { OIDC_ORIGIN: origin }, build: join(ROOT, 'bench', 'contenders'), modules: { 'floor.mjs': 'esModule' } }), ours: stack.worker };
  closing.push(() => workers.floor.close());
  if (beside) {
    const other = await startWorker({ vars: stack.vars, kv: stack.kv.address, build: beside });
    closing.push(() => other.close());
    workers.beside = other;
  }
  return Object.entries(workers).map(([name, { port, pid }]) => {
    const client = new Client(port, CONCURRENCY);
    closing.push(() => client.close());
    return { name, pid, client, headers: { ...PAGE, Cookie: cookie, Host: `localhost:${stack.port}` } };
  });
}

/** Microseconds for each request: one figure for each round and contender. */
async function measured(contenders, { rounds, requests }, deadline, report) {
  for (const contender of contenders) await sent(contender, WARM_UP, deadline);
  const figures = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let n = 0; n < rounds; n += 1) {
    // Nobody always goes first.
    const order = contenders.map((_, index) => contenders[(index + n) % contenders.length]);
    for (const contender of order) {
      const before = processorSeconds(contender.pid);
      await sent(contender, requests, deadline);
      figures[contender.name].push(round(((processorSeconds(contender.pid) - before) * 1e6) / requests, 1));
      report(`round ${n + 1}, ${contender.name}: ${figures[contender.name].at(-1)} µs`);
    }
  }
  return figures;
}

function sent({ name, client, headers }, count, deadline) {
  return each({ to: count, concurrency: CONCURRENCY, deadline }, async (n) => {
    const { status } = await client.send({ target: `/private/page?n=${n}`, headers });
    if (status !== 200) throw new Failure(`${name} answered ${status} instead of 200`, 'npm test -- e2e');
  });
}

function summary(contenders, rounds) {
  const floor = median(rounds.floor);
  return Object.fromEntries(contenders.map(({ name }) => {
    const figures = rounds[name];
    const middle = median(figures);
    return [name, { median: middle, ratio: round(middle / floor, 3), least: Math.min(...figures), most: Math.max(...figures), rounds: figures }];
  }));
}

function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  return round(sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2, 1);
}

function show(results, milliseconds) {
  headline(`Processor time of one signed-in request, after ${duration(milliseconds)} (load ${load()})`);
  say(`  ${''.padEnd(8)} ${'median'.padStart(10)} ${'ratio'.padStart(7)} ${'least'.padStart(8)} ${'most'.padStart(8)}`);
  for (const [name, { median: middle, ratio, least, most }] of Object.entries(results)) {
    say(`  ${name.padEnd(8)} ${`${middle} µs`.padStart(10)} ${ratio.toFixed(2).padStart(7)} ${String(least).padStart(8)} ${String(most).padStart(8)}`);
  }
}
