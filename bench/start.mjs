#!/usr/bin/env node
// How long a new process takes to its first answer, and what an upload weighs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNTS } from '../demo/provider.mjs';
import { request } from '../tests/e2e/support/http.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { bundled, startHono, startSealed, startStage, uploadOf } from './lib/contenders.mjs';
import { BUILD, circumstances, load, round, writeResult } from './lib/machine.mjs';
import { processorSeconds, requireProc } from './lib/process.mjs';
import { PAGE, median, parsed, signedIn } from './lib/rounds.mjs';
import { Failure, headline, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- start [--rounds N]

Starts workerd anew with each contender, in turns, and asks for one page with a session: the time until it is answered,
and the processor time of the process until then. The runtime's own start is in both; what a contender adds is the
difference to the floor. In Node, how long the module of ours takes to compile and to instantiate. What each upload
weighs. Takes about a minute; writes bench/results/start.json. There is no pass or fail.

  --rounds N   starts of each contender; 15 unless told
  --help       this text
`;

await script(HELP, async () => {
  const { rounds } = parsed('start', { rounds: 15 });
  requireProc();
  const began = { ...circumstances(), load_before: load() };
  const closing = [];
  try {
    const contenders = await prepared(closing);
    const figures = Object.fromEntries(contenders.map(({ name }) => [name, []]));
    await withProgress(`${rounds} starts of each of ${contenders.length}`, async (report) => {
      for (let n = 0; n < rounds; n += 1) {
        for (const [index] of contenders.entries()) {
          const contender = contenders[(index + n) % contenders.length];
          figures[contender.name].push(await begun(contender));
          report(`round ${n + 1}, ${contender.name}`);
        }
      }
    });
    const results = Object.fromEntries(contenders.map(({ name, upload }) => {
      const of = (which) => round(median(figures[name].map((figure) => figure[which])), 1);
      return [name, { milliseconds: of('milliseconds'), processor_milliseconds: of('processor_milliseconds'), upload, rounds: figures[name] }];
    }));
    const module = inNode(rounds);
    headline('From a process to its first answer');
    for (const [name, { milliseconds, processor_milliseconds: processor, upload }] of Object.entries(results)) {
      say(`  ${name.padEnd(20)} ${String(milliseconds).padStart(7)} ms  ${String(processor).padStart(7)} ms of a processor  upload ${(upload.bytes / 1024).toFixed(1)} KiB, gzip ${(upload.gzip_bytes / 1024).toFixed(1)} KiB`);
    }
    say(`  the module of ours in Node: compiled in ${module.compile_ms} ms, instantiated in ${module.instantiate_ms} ms`);
    say(`written: ${writeResult('start', { ...began, load_after: load(), rounds, contenders: results, module })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

/** Each with how it is started and what it is asked; sessions come from processes that run already. */
async function prepared(closing) {
  const { origin, ports, stack } = await startStage(closing);
  const { issuer } = stack.provider;
  const floor = await bundled('floor', closing);
  const ours = { build: BUILD, modules: { 'index.js': 'esModule', 'index_bg.wasm': 'wasm' } };
  const sealed = await startSealed(issuer, origin.url, ACCOUNTS.alice.claims, closing);
  const hono = await startHono(issuer, origin.url, ports.hono, closing);
  return [
    { name: 'floor', options: { vars: { OIDC_ORIGIN: origin.url }, ...floor }, headers: PAGE, upload: uploadOf(floor) },
    { name: 'ours', options: { vars: stack.vars, kv: stack.kv.address, ...ours }, headers: { ...PAGE, Cookie: await signedIn(stack), Host: `localhost:${stack.port}` }, upload: uploadOf(ours) },
    { name: 'jose, sealed cookie', options: sealed.options, headers: sealed.headers, upload: uploadOf(sealed.options) },
    { name: '@hono/oidc-auth', options: { ...hono.options, port: undefined }, headers: hono.headers, upload: uploadOf(hono.options) },
  ];
}

async function begun({ name, options, headers }) {
  const start = performance.now();
  const worker = await startWorker(options);
  try {
    const { status } = await request({ port: worker.port, target: '/private/page', headers: { Host: `localhost:${worker.port}`, ...headers } });
    const milliseconds = performance.now() - start;
    if (status !== 200) throw new Failure(`${name} answered its first request with ${status}`, 'look at what the contender answers');
    return { milliseconds: round(milliseconds, 1), processor_milliseconds: round(processorSeconds(worker.pid) * 1000, 1) };
  } finally {
    await worker.close();
  }
}

/** The module alone, in this process: the compiler is V8's here and there. */
function inNode(rounds) {
  const bytes = readFileSync(join(BUILD, 'index_bg.wasm'));
  const figures = Array.from({ length: rounds }, (_, n) => {
    // One that V8 has compiled before costs nothing: a custom section of its own makes each another.
    const another = Buffer.concat([bytes, Buffer.from([0, 6, 1, 0x6e, n & 255, n >> 8, 0, 0])]);
    const [module, compile] = timed(() => new WebAssembly.Module(another));
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = kind === 'tag' ? new WebAssembly.Tag({ parameters: ['externref'] }) : () => 0;
    }
    const [, instantiate] = timed(() => new WebAssembly.Instance(module, imports));
    return { compile, instantiate };
  });
  return { compile_ms: round(median(figures.map(({ compile }) => compile)), 1), instantiate_ms: round(median(figures.map(({ instantiate }) => instantiate)), 2) };
}

function timed(work) {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}
