// Bodies, both ways: long ones are not held in memory, coded ones keep every byte, and an odd answer harms nobody.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { rawRequest } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const MIB = 1024 * 1024;
const LONG = 100 * MIB;
const BLOCK = randomBytes(MIB);
const TEXT = 'a line of text that repeats itself\n'.repeat(2000);
const CODED = { gzip: gzipSync(TEXT), deflate: deflateSync(TEXT), br: brotliCompressSync(TEXT), zstd: zstdCompressSync(TEXT), unknown: randomBytes(3000) };

let stack;
let site;
let cookie;
before(async () => {
  site = await startSite();
  stack = await startStack({ vars: { OIDC_ORIGIN: site.url, OIDC_RULES: [{ path: '/public/*', access: 'public' }] } });
  const visitor = stack.visitor();
  await visitor.signIn('/text');
  cookie = visitor.cookieHeader('localhost', '/');
});
after(async () => {
  await stack?.close();
  await site?.close();
});

/** A site whose answers are the difficult ones. */
async function startSite() {
  const streams = new Set();
  const routes = {
    text: (_request, response) => response.end('text'),
    upload: async (request, response) => {
      const hash = createHash('sha256');
      let length = 0;
      for await (const chunk of request) {
        hash.update(chunk);
        length += chunk.length;
      }
      response.end(JSON.stringify({ length, sha256: hash.digest('hex') }));
    },
    download: (_request, response) => pipeline(Readable.from(Array(LONG / MIB).fill(BLOCK)), response),
    events: (_request, response) => {
      streams.add(response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write(`data: ${Date.now()}\n\n`), 20);
      response.on('close', () => {
        clearInterval(timer);
        streams.delete(response);
      });
    },
    coded: (request, response) => {
      const coding = request.url.split('?')[1];
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding, 'content-length': CODED[coding].length });
      response.end(CODED[coding]);
    },
    range: (request, response) => {
      if (request.headers.range !== 'bytes=2-4') return response.writeHead(416, { 'content-range': 'bytes */10' }).end();
      response.writeHead(206, { 'content-range': 'bytes 2-4/10', 'accept-ranges': 'bytes', etag: '"r"', 'if-range-seen': request.headers['if-range'] ?? 'no' });
      return response.end('234');
    },
    status: (request, response) => response.socket.end(`HTTP/1.1 ${request.url.split('?')[1]} Odd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
    early: (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      response.end('after the hints');
    },
    trailers: (_request, response) => {
      response.writeHead(200, { trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    },
    broken: (_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('only this');
      setTimeout(() => response.destroy(), 50);
    },
  };
  const server = http.createServer((request, response) => {
    const name = request.url.split('?')[0].split('/').at(-1);
    response.on('error', () => {});
    Promise.resolve(routes[name]?.(request, response)).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    streams,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** Sends a request up to its body; `answer` is the answer as it begins. */
function open(target, { method = 'GET', headers = {} } = {}) {
  const outgoing = http.request({
    host: '127.0.0.1', port: stack.port, path: target, method, agent: false,
    headers: { Host: `localhost:${stack.port}`, Cookie: cookie, ...headers },
  });
  const answer = new Promise((resolve, reject) => outgoing.on('response', resolve).on('error', reject));
  answer.catch(() => {});
  return { outgoing, answer };
}

async function ask(target, options) {
  const { outgoing, answer } = open(target, options);
  outgoing.end();
  const response = await answer;
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks), trailers: response.trailers };
}

/** The most memory that the runtime has used so far, in MiB. */
function peak() {
  const [, kib] = readFileSync(`/proc/${stack.worker.pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m);
  return Number(kib) / 1024;
}

const isLinux = process.platform === 'linux';

describe('100 MiB', () => {
  test('are uploaded without being held', { skip: !isLinux }, async () => {
    for (const target of ['/upload', '/public/upload']) {
      const before = peak();
      const { outgoing, answer } = open(target, { method: 'PUT', headers: { 'Content-Length': LONG } });
      const hash = createHash('sha256');
      for (let sent = 0; sent < LONG; sent += BLOCK.length) {
        hash.update(BLOCK);
        if (!outgoing.write(BLOCK)) await new Promise((go) => outgoing.once('drain', go));
      }
      outgoing.end();
      const arrived = JSON.parse((await (await answer).toArray()).join(''));
      assert.deepEqual(arrived, { length: LONG, sha256: hash.digest('hex') }, target);
      assert.ok(peak() - before < 16, `${target} took ${peak() - before} MiB`);
    }
  });

  test('are downloaded without being held', { skip: !isLinux }, async () => {
    for (const target of ['/download', '/public/download']) {
      const before = peak();
      const { outgoing, answer } = open(target);
      outgoing.end();
      let length = 0;
      for await (const chunk of await answer) length += chunk.length;
      assert.equal(length, LONG);
      assert.ok(peak() - before < 16, `${target} took ${peak() - before} MiB`);
    }
  });
});

describe('a stream of events', () => {
  test('goes on for as long as somebody listens, and no longer', async () => {
    const { outgoing, answer } = open('/public/events');
    outgoing.end();
    const response = await answer;
    outgoing.on('error', () => {});
    response.on('error', () => {});
    let seen = 0;
    await new Promise((enough) => response.on('data', () => (seen += 1) === 100 && enough()));
    assert.equal(site.streams.size, 1);
    outgoing.destroy();
    for (let waited = 0; site.streams.size > 0 && waited < 100; waited += 1) await new Promise((go) => setTimeout(go, 50));
    assert.equal(site.streams.size, 0, 'the site is told that nobody listens any more');
  });
});

describe('a coded body', () => {
  for (const coding of Object.keys(CODED)) {
    test(`keeps every byte: ${coding}`, async () => {
      for (const target of ['/coded', '/public/coded']) {
        for (const accepted of ['gzip, deflate, br, zstd', 'identity']) {
          const answer = await ask(`${target}?${coding}`, { headers: { 'Accept-Encoding': accepted } });
          assert.equal(answer.headers['content-encoding'], coding);
          assert.ok(answer.body.equals(CODED[coding]), `${target}, ${accepted}`);
        }
      }
    });
  }
});

describe('an answer', () => {
  test('to a range is that range', async () => {
    for (const target of ['/range', '/public/range']) {
      const part = await ask(target, { headers: { Range: 'bytes=2-4', 'If-Range': '"r"' } });
      assert.deepEqual([part.status, part.headers['content-range'], part.headers['if-range-seen'], part.body.toString()], [206, 'bytes 2-4/10', '"r"', '234']);
      const none = await ask(target, { headers: { Range: 'bytes=20-' } });
      assert.deepEqual([none.status, none.headers['content-range']], [416, 'bytes */10']);
    }
  });

  test('to HEAD keeps its length and has no body', async () => {
    const answer = await ask('/coded?gzip', { method: 'HEAD' });
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.body.length], [200, String(CODED.gzip.length), 0]);
  });

  test('after early hints is the last one', async () => {
    assert.equal((await ask('/early')).body.toString(), 'after the hints');
  });

  test('with trailers loses them and nothing else', async () => {
    const answer = await ask('/trailers');
    assert.deepEqual([answer.body.toString(), { ...answer.trailers }], ['body', {}]);
  });

  test('of a status that HTTP does not know is passed on or refused, and harms nobody', async () => {
    for (const status of ['600', '799', '999']) {
      for (const target of ['/status', '/public/status']) {
        const answer = await ask(`${target}?${status}`);
        assert.ok([Number(status), 502].includes(answer.status), `${target} ${status}: ${answer.status}`);
        assert.equal((await ask('/text')).body.toString(), 'text');
      }
    }
    for (const status of ['0', '99', '1000', 'x']) {
      assert.ok((await ask(`/status?${status}`)).status >= 500, status);
    }
  });

  test('that breaks off breaks off, and is not made to look whole', async () => {
    for (const target of ['/broken', '/public/broken']) {
      await assert.rejects(ask(target), target);
      const raw = await rawRequest(stack.port, `GET ${target} HTTP/1.1\r\nHost: localhost:${stack.port}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
      assert.ok(!raw.body.endsWith('0\r\n\r\n'), 'no last chunk');
    }
  });
});
