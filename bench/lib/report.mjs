// The results as a person reads them: one page of tables and charts, made of the files that lie beside it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bars, curves } from './chart.mjs';
import { goals } from './goals.mjs';

/** What the page says of each result, in this order; each returns `{ title, table, chart }` of what its file holds. */
const PARTS = {
  'signed-in': (result) => contenders('Processor time of one signed-in request', result),
  tokens: (result) => contenders('Processor time of one request with an access token', result),
  rules: (result) => contenders('Processor time of one signed-in request, by the number of rules', result),
  'sign-ins': signIns,
  start,
  ...Object.fromEntries(['cookie', 'sessions', 'rules', 'tokens', 'sign-ins'].map((name) => [`scale-${name}`, scaled])),
  simulation,
  memory,
  ...Object.fromEntries(['durable', 'durable-calm', 'kv'].map((name) => [`load-${name}`, crowd])),
};

/** Writes the charts, and the page that holds all of them. */
export function writeReport(folder) {
  const parts = [overview(folder)];
  for (const [name, part] of Object.entries(PARTS)) {
    const result = resultOf(folder, name);
    if (!result) continue;
    const { title, table, chart, text = '' } = part(result, name);
    if (chart) writeFileSync(join(folder, `${name}.svg`), chart);
    parts.push([`## ${title}`, chart && `![${title}](${name}.svg)`, table, text, circumstancesOf(result, name)].filter(Boolean).join('\n\n'));
  }
  const head = '# Results\n\nWritten by `npm run bench` from the files beside it; how each is measured stands in [../README.md](../README.md).';
  writeFileSync(join(folder, 'README.md'), `${[head, ...parts].join('\n\n')}\n`);
}

/** The figures that matter, and whether they are what they are meant to be. */
export function goalsOf(folder) {
  return goals((name) => resultOf(folder, name));
}

function overview(folder) {
  const said = { true: 'met', false: '**not met**' };
  const rows = goalsOf(folder).map(({ what, figure, most, met }) => [what, figure, most ?? '', said[met] ?? '']);
  return `## At a glance\n\n${table(['', 'is', 'at most', ''], rows)}`;
}

function resultOf(folder, name) {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function circumstancesOf({ date, machine, versions, worker, contender_versions: others = {}, load_before: before, load_after: after }, name) {
  const { processor, processors, memory_gib: memory, system } = machine;
  return `<sub>[${name}.json](${name}.json): ${date}, ${processors} processors ${processor}, ${memory} GiB, ${system}; workerd ${versions.workerd}, Node ${versions.node}${Object.entries(others).map(([name, version]) => `, ${name} ${version}`).join('')}, `
    + `commit ${versions.commit}, upload ${kib(worker.upload_gzip_bytes)} gzip; load average ${before} before and ${after} after</sub>`;
}

function notesOf({ date, machine, versions, load_before: before, load_after: after }) {
  return [`${date}, ${machine.processors} processors ${machine.processor}, ${machine.system}; workerd ${versions.workerd}, commit ${versions.commit}; load ${before} to ${after}`];
}

function contenders(title, result) {
  const rows = Object.entries(result.microseconds_a_request);
  const quarters = (rounds) => {
    const sorted = [...rounds].sort((one, other) => one - other);
    return [sorted[Math.floor(sorted.length / 4)], sorted[Math.floor((sorted.length * 3) / 4)]];
  };
  const all = rows.map(([name, { median, rounds }]) => {
    const [from, to] = quarters(rounds);
    return { name, value: median, from, to, ours: /ours|hundred|session|introspected/.test(name) };
  });
  return {
    title,
    table: table(['', 'median, µs', 'ratio', 'a quarter is below', 'a quarter is above'], rows.map(([name, { median, ratio, rounds }]) => [name, median, ratio.toFixed(2), ...quarters(rounds)])),
    text: (result.absent ?? []).map((why) => `Not measured: ${why}.`).join(' '),
    chart: bars({ title, unit: 'µs', bars: all, notes: [`median of ${result.rounds} interleaved rounds of ${result.requests_a_round} requests; the whiskers hold half of the rounds`, ...notesOf(result)] }),
  };
}

function signIns(result) {
  const title = 'Processor time of one sign-in, on our side of the wire';
  const rows = Object.entries(result.sign_ins);
  return {
    title,
    table: table(['', 'median, µs', 'sign-ins a second and processor', 'calls to the provider', 'operations of the store'], rows.map(([name, { microseconds, a_second: rate, provider, store }]) => [name, microseconds, rate, counted(provider), counted(store)])),
    chart: bars({ title, unit: 'µs', bars: rows.map(([name, { microseconds, least, most }]) => ({ name, value: microseconds, from: least, to: most, ours: name !== '@hono/oidc-auth' })), notes: notesOf(result) }),
  };
}

function counted(counts) {
  return counts === undefined ? 'not counted' : Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ') || 'none';
}

function start(result) {
  const title = 'Start: from a process to the first answer';
  const rows = Object.entries(result.contenders);
  return {
    title,
    table: table(['', 'first answer after, ms', 'processor time until then, ms', 'upload', 'gzip'], rows.map(([name, { milliseconds, processor_milliseconds: processor, upload }]) => [name, milliseconds, processor, kib(upload.bytes), kib(upload.gzip_bytes)])),
    text: `Of ours, in Node: ${result.module.compile_ms} ms to compile the module, ${result.module.instantiate_ms} ms to instantiate it.`,
    chart: bars({ title, unit: 'ms', bars: rows.map(([name, { processor_milliseconds: value }]) => ({ name, value, ours: name === 'ours' })), notes: ['processor time of workerd from its start to the first answer, the runtime’s own start included', ...notesOf(result)] }),
  };
}

function scaled(result) {
  const { title, across, up, curves: all } = result;
  const columns = all[0].points.map(([x]) => x);
  return {
    title,
    table: table([across, ...all.map(({ name }) => `${name}, ${up}`)], columns.map((x, index) => [x, ...all.map(({ points }) => points[index][1])])),
    text: result.verdict,
    chart: curves({ title, across, up, curves: all, notes: notesOf(result) }),
  };
}

function simulation({ days, visitors, seed }) {
  const rows = days.map(({ store, check_interval: interval, isolates_a_location: isolates, happens, requests, kv, objects, renewals, revocation_ms: delays, sign_ins: signIns }) => [
    happens, store, interval, isolates, ((kv.reads + objects.requests) / requests).toFixed(3), kv.writes, `${renewals.refused} of ${renewals.asked}`,
    signIns.lost, delays ? `${(delays.median / 1000).toFixed(1)} / ${(delays.most / 1000).toFixed(1)}` : '', signIns.after_an_outage + signIns.tokens_over, signIns.most_in_a_minute,
  ]);
  return {
    title: 'Days in a model of the platform',
    table: table(['what happens', 'store', 'check interval', 'isolates a place', 'KV reads or object requests, each request', 'KV writes', 'refresh tokens that came too late', 'sessions lost', 'revocation, s, in the middle / at most', 'signed in again', 'sign-ins in the worst minute'], rows),
    text: `${visitors} visitors, seed ${seed}; see [docs/scale.md](../../docs/scale.md).`,
  };
}

function memory(result) {
  const title = 'Resident memory under mixed requests';
  const { samples, growth_after_20_percent: growth, peak_mib: peak } = result;
  return {
    title,
    text: `${result.requests} requests; ${growth.from_mib} MiB after a fifth of them, ${growth.to_mib} MiB at the end (${growth.percent} %), ${peak} MiB at most.`,
    chart: curves({ title, across: 'requests', up: 'MiB', linear: true, curves: [{ name: 'workerd', points: samples.slice(1).map(({ requests, resident_mib: mib }) => [requests, mib]) }], notes: notesOf(result) }),
  };
}

function crowd({ visitors, store, calm, requests, refreshes, strangers, lost, unsaved, ...rest }, name) {
  return {
    title: `A crowd: ${name.replace('load-', '')}`,
    text: `${visitors} visitors, ${requests} requests, ${refreshes} renewals; ${strangers} answers that told of somebody else, ${lost} sessions over${calm ? '' : `, ${unsaved} times tokens could not be stored`}${rest.refused === undefined ? '' : `, ${rest.refused} refresh tokens refused`}. Store: ${store}.`,
  };
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index ? '--:' : '---'))), ...rows.map(line)].join('\n');
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
