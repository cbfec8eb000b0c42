#!/usr/bin/env node
// Whether sessions hold when many visitors come at once, their tokens end all the time, and the store comes and goes.

import { parseArgs } from 'node:util';
import { crowd } from './lib/crowd.mjs';
import { circumstances, load, writeResult } from './lib/machine.mjs';
import { Failure, headline, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- load [--visitors N] [--seconds N] [--store durable|kv] [--calm]

Signs visitors in, each with an account of their own, and lets all of them ask at two isolates for a while. ID tokens live
20 s, so that sessions are renewed all the time; the store fails and refuses writes now and then.
Takes about 2 minutes on 2 cores; writes bench/results/load-STORE.json, or load-STORE-calm.json.
Exit code 1 when a visitor is taken for somebody else, or is signed out without cause.

  --visitors N   200 unless told
  --seconds N    60 unless told
  --store NAME   durable unless told
  --calm         the store never fails, so that no session may be over at all
  --help         this text
`;

const TOKENS_LIVE = 20;

await script(HELP, async () => {
  const { visitors, seconds, store, calm } = parsed();
  const began = { ...circumstances(), load_before: load() };
  const figures = await withProgress(`${visitors} visitors, ${seconds} s`, (report) => crowd({ visitors, seconds, tokensLive: TOKENS_LIVE, store, calm, report }));
  headline('What came of it');
  for (const [name, value] of Object.entries(figures)) say(`  ${name.padEnd(12)} ${JSON.stringify(value)}`);
  say(`written: ${writeResult(`load-${store}${calm ? '-calm' : ''}`, { ...began, load_after: load(), ...figures })}`);
  if (figures.strangers) throw new Failure(`${figures.strangers} answers told a visitor of somebody else`, 'nothing is worse: stop and look');
  if (figures.unexpected.length) throw new Failure(`unexpected answers: ${[...new Set(figures.unexpected)]}`, 'see the log of the Worker');
  if (calm && figures.lost) throw new Failure(`${figures.lost} sessions were over, and the store had never failed`, 'see src/flow/refresh.rs');
  // Tokens that could not be stored after a rotation are lost; the log says so each time.
  if (figures.lost > figures.unsaved) throw new Failure(`${figures.lost} sessions were over, ${figures.unsaved} for a cause`, 'see src/flow/refresh.rs');
});

function parsed() {
  const next = 'npm run bench -- load --help';
  let options;
  try {
    options = parseArgs({ options: { visitors: { type: 'string', default: '200' }, seconds: { type: 'string', default: '60' }, store: { type: 'string', default: 'durable' }, calm: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new Failure(error.message, next);
  }
  for (const name of ['visitors', 'seconds']) {
    if (!/^[1-9]\d{0,3}$/.test(options[name])) throw new Failure(`expected a whole number for --${name}, got ${options[name]}`, next);
  }
  if (!['durable', 'kv'].includes(options.store)) throw new Failure(`expected durable or kv for --store, got ${options.store}`, next);
  return { visitors: Number(options.visitors), seconds: Number(options.seconds), store: options.store, calm: options.calm };
}
