// Contenders measured in turns: the processor time of workerd for each request, in rounds that are interleaved, so that
// what else the machine does hits all of them.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Load } from './load.mjs';
import { load, round } from './machine.mjs';
import { familyOf, processorSeconds } from './process.mjs';
import { Failure, duration, headline, say } from '../../scripts/lib/terminal.mjs';

export const CONCURRENCY = 16;
const WARM_UP = 2000;
/** As many as it takes until the runtime has compiled a contender's code for good, function by function. */
export const LONG_WARM_UP = 20_000;

/** What a browser sends with a navigation. */
export const PAGE = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Accept-Language': 'en', 'Accept-Encoding': 'gzip, br' };

/** Options with what they are unless told: where that is a number, a whole number is expected. */
export function parsed(name, defaults) {
  const next = `npm run bench -- ${name} --help`;
  const text = (value) => ({ type: 'string', ...(value !== undefined && { default: String(value) }) });
  const known = Object.entries(defaults).map(([key, value]) => [key, text(value)]);
  let options;
  try {
    options = parseArgs({ options: Object.fromEntries(known) }).values;
  } catch (error) {
    throw new Failure(error.message, next);
  }
  const numbers = Object.keys(defaults).filter((key) => typeof defaults[key] === 'number');
  for (const key of numbers) {
    if (!/^[1-9]\d{0,6}$/.test(options[key])) throw new Failure(`expected a whole number for --${key}, got ${options[key]}`, next);
  }
  return { ...options, ...Object.fromEntries(numbers.map((key) => [key, Number(options[key])])) };
}

/** An origin that costs next to nothing, the same one for all; it answers 500 to whoever is nobody. */
export async function startBareOrigin() {
  const server = createServer((request, response) => {
    response.writeHead(request.headers['x-forwarded-user'] || request.headers['x-forwarded-client-id'] ? 200 : 500, { 'Content-Type': 'text/plain', 'Content-Length': '3' });
    response.end('ok\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** The `Cookie` of somebody who has signed in at the stack, whose origin is the bare one. */
export async function signedIn(stack, name = 'alice') {
  const visitor = stack.visitor();
  const form = await visitor.open('/private/');
  // Ends at our bare origin, where there is nothing to read.
  await visitor.submit(form, { name, password: name });
  const cookie = visitor.sessionCookies.map((name) => `${name}=${visitor.cookies[name]}`).join('; ');
  if (!cookie) throw new Failure('the visitor was not signed in', 'npm test -- e2e');
  return cookie;
}

/** Workers as they take part, asked for a page with the same cookie. */
export function withCookie(workers, { cookie, host }) {
  return Object.entries(workers).map(([name, { port, pid }]) => ({ name, pid, port, headers: { ...PAGE, Cookie: cookie, Host: host } }));
}

/**
 * Microseconds for each request: one figure for each round and contender, which is `{ name, pid, port, headers, target }`;
 * with `each`, a list of further headers, each request has the next of them.
 */
export async function measured(contenders, { rounds, requests, 'warm-up': warmUp = WARM_UP }, deadline, report) {
  const loads = new Map(contenders.map(({ name, port, headers, target = '/private/page?n=1', each }) =>
    [name, new Load({ port, connections: CONCURRENCY, target, headers: { Host: `localhost:${port}`, ...headers }, each })]));
  for (const { name, each = [] } of contenders) {
    report(`warming up ${name}`);
    await loads.get(name).ask(Math.max(warmUp, each.length)).catch((error) => {
      throw new Failure(`${name}: ${error.message}`, error.next ?? 'look at what the contender answers');
    });
  }
  const families = new Map(contenders.map(({ name, pid }) => [name, familyOf(pid)]));
  const figures = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let n = 0; n < rounds; n += 1) {
    // Nobody always goes first.
    const order = contenders.map((_, index) => contenders[(index + n) % contenders.length]);
    for (const contender of order) {
      const before = processorSeconds(families.get(contender.name));
      if (Date.now() > deadline) throw new Failure(`stopped in round ${n + 1}: the time is up`, 'wait until the machine is calm');
      await loads.get(contender.name).ask(requests);
      figures[contender.name].push(round(((processorSeconds(families.get(contender.name)) - before) * 1e6) / requests, 1));
      report(`round ${n + 1}, ${contender.name}: ${figures[contender.name].at(-1)} µs`);
    }
  }
  for (const one of loads.values()) one.close();
  return figures;
}

/** Median, ratio to that of `base`, least and most of each. */
export function summary(figures, base) {
  const one = round(median(figures[base]), 1);
  return Object.fromEntries(Object.entries(figures).map(([name, rounds]) => {
    const middle = round(median(rounds), 1);
    return [name, { median: middle, ratio: round(middle / one, 3), least: Math.min(...rounds), most: Math.max(...rounds), rounds }];
  }));
}

export function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The summary as a table. */
export function show(title, results, milliseconds) {
  headline(`${title}, after ${duration(milliseconds)} (load ${load()})`);
  const width = Math.max(...Object.keys(results).map((name) => name.length));
  say(`  ${''.padEnd(width)} ${'median'.padStart(10)} ${'ratio'.padStart(7)} ${'least'.padStart(8)} ${'most'.padStart(8)}`);
  for (const [name, { median: middle, ratio, least, most }] of Object.entries(results)) {
    say(`  ${name.padEnd(width)} ${`${middle} µs`.padStart(10)} ${ratio.toFixed(2).padStart(7)} ${String(least).padStart(8)} ${String(most).padStart(8)}`);
  }
}
