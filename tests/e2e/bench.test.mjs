// What the benchmarks compare is comparable: each contender with a session lets it pass and nobody else, and the page of
// results is what its files say.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startHono, startSealed, startStage } from '../../bench/lib/contenders.mjs';
import { Load } from '../../bench/lib/load.mjs';
import { startApache } from '../../bench/lib/native.mjs';
import { writeReport } from '../../bench/lib/report.mjs';
import { PAGE, signedIn } from '../../bench/lib/rounds.mjs';
import { ACCOUNTS } from '../../demo/provider.mjs';
import { request } from './support/http.mjs';

const RESULTS = new URL('../../bench/results/', import.meta.url).pathname;

describe('a contender of the benchmarks', () => {
  const closing = [];
  let stack;
  let origin;
  let ports;
  before(async () => {
    ({ origin, ports, stack } = await startStage(closing));
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  const contenders = {
    ours: async () => ({ ...stack.worker, headers: { ...PAGE, Cookie: await signedIn(stack) } }),
    'jose, sealed cookie': () => startSealed(stack.provider.issuer, origin.url, ACCOUNTS.alice.claims, closing),
    '@hono/oidc-auth': () => startHono(stack.provider.issuer, origin.url, ports.hono, closing),
    'Apache, mod_auth_openidc': () => startApache(stack.provider.issuer, origin.url, ports.apache, closing),
  };
  for (const [name, start] of Object.entries(contenders)) {
    test(`lets its session pass and nobody else: ${name}`, async (t) => {
      const contender = await start();
      if (typeof contender === 'string') return t.skip(contender);
      const { port, headers } = contender;
      const ask = (cookie) => request({ port, target: '/private/page', headers: { ...headers, Host: `localhost:${port}`, Cookie: cookie } });
      // The origin answers 500 to nobody.
      assert.equal((await ask(headers.Cookie)).status, 200);
      const [session, value] = headers.Cookie.split(/=(.*)/s);
      const middle = Math.floor(value.length / 2);
      const tampered = `${session}=${value.slice(0, middle)}${value[middle] === 'A' ? 'B' : 'A'}${value.slice(middle + 1)}`;
      for (const cookie of ['theme=dark', tampered]) assert.notEqual((await ask(cookie)).status, 200, cookie.slice(0, 20));
    });
  }
});

test('the load goes on when connections were closed while nobody asked', async (t) => {
  const server = createServer((_request, response) => response.writeHead(200, { 'Content-Length': '3' }).end('ok\n'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const load = new Load({ port: server.address().port, connections: 2, headers: { Host: 'localhost' } });
  t.after(() => {
    load.close();
    server.close();
  });
  await load.ask(10);
  const closed = load.lanes.map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
  server.closeAllConnections();
  await Promise.all(closed);
  await load.ask(10);
});

test('the page of results and its charts are what the files say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-results-'));
  try {
    const files = readdirSync(RESULTS);
    for (const file of files.filter((name) => name.endsWith('.json'))) copyFileSync(join(RESULTS, file), join(folder, file));
    writeReport(folder);
    assert.deepEqual(readdirSync(folder).sort(), files.sort());
    for (const file of files) assert.equal(readFileSync(join(folder, file), 'utf8'), readFileSync(join(RESULTS, file), 'utf8'), `${file}: npm run bench`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
