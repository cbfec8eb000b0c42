#!/usr/bin/env node
// Whether the memory of an isolate stays flat under mixed requests, hostile ones among them.

import { parseArgs } from 'node:util';
import { startStack } from '../tests/e2e/support/stack.mjs';
import { Client, each } from './lib/client.mjs';
import { circumstances, load, round, writeResult } from './lib/machine.mjs';
import { memoryOf, requireProc } from './lib/process.mjs';
import { KINDS, kindOf, signInStart } from './lib/traffic.mjs';
import { Failure, duration, headline, paint, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- memory [--requests N] [--minutes N]

Sends mixed requests to the built Worker in workerd and reads the resident memory of that process
every 20th part of the way. Compares the end with the mark at 20 %, where caches and heap are warm.
Takes about 2 minutes on 2 cores; writes bench/results/memory.json.
Exit code 1 when an answer was not the expected one. How much growth is too much is for the reader.

  --requests N   100000 unless told
  --minutes N    gives up after this long; 10 unless told
  --help         this text
`;

const SAMPLES = 20;
const CONCURRENCY = 32;
const VISITORS = ['alice', 'bob'];
const SESSIONS = 20;

await script(HELP, async () => {
  const { requests, minutes } = parsed();
  requireProc();
  const deadline = Date.now() + minutes * 60_000;
  const began = { ...circumstances(), load_before: load() };
  const stack = await startStack();
  const client = new Client(stack.port, CONCURRENCY);
  try {
    const context = await prepared(stack, client);
    const run = await withProgress(`${requests} requests`, (report) => measured({ stack, client, context, requests, deadline, report }));
    show(run, requests);
    const { growth, ...rest } = { ...run, growth: growthOf(run.samples) };
    say(`written: ${writeResult('memory', { ...began, load_after: load(), requests, concurrency: CONCURRENCY, growth_after_20_percent: growth, ...rest })}`);
    say(verdict(growth));
    if (run.unexpected) throw new Failure(`${run.unexpected} answers had another status than expected`, 'see the answers above, and what is expected of each kind in bench/lib/traffic.mjs');
  } finally {
    client.close();
    await stack.close();
  }
});

function parsed() {
  const next = 'npm run bench -- memory --help';
  let options;
  try {
    options = parseArgs({ options: { requests: { type: 'string', default: '100000' }, minutes: { type: 'string', default: '10' } } }).values;
  } catch (error) {
    throw new Failure(error.message, next);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!/^[1-9]\d{0,7}$/.test(value)) throw new Failure(`expected a whole number for --${name}, got ${value}`, next);
  }
  const numbers = { requests: Number(options.requests), minutes: Number(options.minutes) };
  if (numbers.requests < 100 * SAMPLES) throw new Failure(`expected ${100 * SAMPLES} requests at least, got ${numbers.requests}`, next);
  return numbers;
}

/** Signed-in sessions, and states of sign-ins that are under way. */
async function prepared(stack, client) {
  const cookies = [];
  for (let i = 0; i < SESSIONS; i += 1) {
    const visitor = stack.visitor();
    await visitor.signIn('/private/', VISITORS[i % VISITORS.length]);
    cookies.push(visitor.sessionCookies.map((name) => `${name}=${visitor.cookies[name]}`).join('; '));
  }
  const startSignIn = async () => {
    const { headers } = await client.send(signInStart);
    const cookie = headers['set-cookie'].map((line) => line.split(';')[0]).join('; ');
    return { state: new URL(headers.location).searchParams.get('state'), cookie };
  };
  return { cookies, issuer: stack.provider.issuer, startSignIn };
}

async function measured({ stack, client, context, requests, deadline, report }) {
  const { pid } = stack.worker;
  const answers = {};
  let unexpected = 0;
  const one = async (n) => {
    const name = kindOf(n);
    const { expected, request } = KINDS[name];
    const begun = name === 'callback, false code' ? await context.startSignIn() : undefined;
    const { status } = await client.send(request(n, { ...context, state: () => begun }));
    answers[name] ??= {};
    answers[name][status] = (answers[name][status] ?? 0) + 1;
    if (!expected.includes(status)) unexpected += 1;
  };
  const sample = (done) => ({ requests: done, resident_mib: mebibytes(memoryOf(pid).resident) });
  const started = Date.now();
  const samples = [sample(0)];
  for (let part = 1; part <= SAMPLES; part += 1) {
    const to = Math.round((requests * part) / SAMPLES);
    await each({ from: samples.at(-1).requests, to, concurrency: CONCURRENCY, deadline }, one);
    samples.push(sample(to));
    report(`${to} sent, ${samples.at(-1).resident_mib} MiB resident`);
    // What this process remembers for the tests would only slow it down.
    for (const list of [stack.origin.requests, stack.kv.operations, stack.providerRequests]) list.length = 0;
  }
  const milliseconds = Date.now() - started;
  return { milliseconds, peak_mib: mebibytes(memoryOf(pid).peak), samples, answers, unexpected };
}

/** From the mark at 20 % to the end. */
function growthOf(samples) {
  const [mark, end] = [samples[SAMPLES / 5], samples[SAMPLES]].map((sample) => sample.resident_mib);
  return { from_mib: mark, to_mib: end, mib: round(end - mark, 1), percent: round((100 * (end - mark)) / mark, 1) };
}

function show({ samples, answers, milliseconds, peak_mib }, requests) {
  headline('Resident memory of workerd');
  for (const { requests: sent, resident_mib } of samples) say(`  ${String(sent).padStart(8)} requests  ${resident_mib.toFixed(1).padStart(7)} MiB`);
  say(`  ${'peak'.padStart(8)}           ${peak_mib.toFixed(1).padStart(7)} MiB`);
  headline('Answers');
  for (const name of Object.keys(KINDS)) {
    const counts = Object.entries(answers[name] ?? {}).map(([status, count]) => `${status}: ${count}`).join(', ');
    say(`  ${name.padEnd(22)} ${counts}`);
  }
  say(`\n${requests} requests in ${duration(milliseconds)}, ${Math.round((1000 * requests) / milliseconds)} a second`);
}

function verdict({ from_mib, to_mib, mib, percent }) {
  const sign = mib < 0 ? '' : '+';
  return paint('bold', `growth from 20 % to the end: ${sign}${mib} MiB (${sign}${percent} %), from ${from_mib} to ${to_mib} MiB`);
}

function mebibytes(bytes) {
  return round(bytes / 2 ** 20, 1);
}
