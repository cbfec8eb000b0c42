#!/usr/bin/env node
// Days of traffic in a model of the platform: what they cost, how long revocation takes, and how often renewals race.

import { circumstances, load, writeResult } from './lib/machine.mjs';
import { parsed } from './lib/rounds.mjs';
import { run } from '../scripts/lib/run.mjs';
import { headline, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- simulate [--visitors N] [--seed N]

Lets the gateway, natively, serve days of traffic: visitors at six places who read pages and use apps that stay open,
before a model of Workers KV or of Durable Objects, and of a provider, under several settings; a calm day, one on which
sessions are ended, and one on which the provider is down for an hour and a half. Time is virtual and chance has a seed:
the same figures on every machine. Takes some minutes, most of them for cargo; writes bench/results/simulation.json.
docs/scale.md says what comes of it.

  --visitors N   1000 unless told; a tenth of them on the days on which sessions are ended
  --seed N       1 unless told
  --help         this text
`;

await script(HELP, async () => {
  const { visitors, seed } = parsed('simulate', { visitors: 1000, seed: 1 });
  const began = { ...circumstances(), load_before: load() };
  const days = [];
  await withProgress(`days of ${visitors} visitors`, (report) =>
    run('cargo', ['bench', '--locked', '--bench', 'simulate', '--', String(visitors), String(seed)], {
      onLine: (line) => {
        if (line.startsWith('{')) days.push(JSON.parse(line));
        report(days.length ? `day ${days.length} is over` : line);
      },
      next: 'cargo bench --bench simulate',
    }));
  headline('A calm day, for each request');
  for (const { requests, ...day } of days.filter(({ happens }) => happens === 'nothing')) {
    say(`  ${named(day).padEnd(40)} ${(operations(day) / requests).toFixed(3)} operations of the store; ${day.renewals.refused} of ${day.renewals.asked} refresh tokens came too late; ${day.sign_ins.lost} sessions lost`);
  }
  headline('From the end of a session to the last request that passed');
  for (const day of days.filter(({ revocation_ms: delays }) => delays)) {
    const { median, most } = day.revocation_ms;
    say(`  ${named(day).padEnd(40)} ${(median / 1000).toFixed(1)} s in the middle, ${(most / 1000).toFixed(1)} s at most`);
  }
  headline('After the provider was down for an hour and a half');
  for (const day of days.filter(({ happens }) => happens.startsWith('an outage'))) {
    say(`  ${`${named(day)}, ${day.happens.replace('an outage', '').replace(/^ of the provider|^, /, '') || 'with refresh tokens'}`.padEnd(60)} ${day.sign_ins.after_an_outage + day.sign_ins.tokens_over} signed in again; ${day.sign_ins.most_in_a_minute} sign-ins in the worst minute`);
  }
  say(`\nwritten: ${writeResult('simulation', { ...began, load_after: load(), visitors, seed, days })}`);
});

function named({ store, check_interval: interval, isolates_a_location: isolates }) {
  return `${store}, ${interval} s, ${isolates} isolate${isolates === 1 ? '' : 's'} a place`;
}

function operations({ kv, objects }) {
  return kv.reads + kv.writes + objects.requests;
}
