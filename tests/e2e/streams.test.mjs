// Bodies and streams: nothing is held back, nothing is changed, nothing odd breaks anything. The origin speaks bytes.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { rawGet } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const MEGABYTE = 1024 * 1024;
const RULES = [{ path: '/public/*', access: 'public' }, { path: '/*', access: 'login' }];

/** An origin that answers `/name` with the bytes of `answers.name`, or leaves the connection to that function. */
async function startRawOrigin(answers) {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let head = '';
    const read = (data) => {
      head += data.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', read);
      const [, path] = head.match(/^\S+ \/(?:public\/)?([^ ?]*)/);
      const answer = answers[path] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      if (typeof answer === 'function') answer(socket, head, Buffer.from(head.slice(head.indexOf('\r\n\r\n') + 4), 'latin1'));
      else socket.end(answer);
    };
    socket.on('data', read);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  };
}

const answer = (head, body = '') => Buffer.concat([Buffer.from(`HTTP/1.1 ${head.join('\r\n')}\r\nConnection: close\r\n\r\n`, 'latin1'), Buffer.from(body)]);
const TEXT = 'the same bytes, please\n'.repeat(500);
const COMPRESSED = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT), deflate: deflateSync(TEXT) };
const CONTENT = randomBytes(1000);

let seenEnd;
const ended = new Promise((resolve) => (seenEnd = resolve));
const answers = {
  ...Object.fromEntries(Object.entries(COMPRESSED).map(([name, body]) => [name, answer(['200 OK', 'Content-Type: text/plain', `Content-Encoding: ${name}`, `Content-Length: ${body.length}`], body)])),
  early: Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'), answer(['200 OK', 'Content-Length: 4'], 'late')]),
  empty: answer(['204 No Content', 'X-Kept: yes']),
  unchanged: answer(['304 Not Modified', 'ETag: "e"', 'Cache-Control: public, max-age=9']),
  reset: answer(['205 Reset Content', 'Content-Length: 0']),
  part: (socket, head) => {
    const [, from, to] = head.match(/^range: bytes=(\d+)-(\d+)/im);
    const body = CONTENT.subarray(Number(from), Number(to) + 1);
    socket.end(answer(['206 Partial Content', `Content-Range: bytes ${from}-${to}/${CONTENT.length}`, `Content-Length: ${body.length}`], body));
  },
  head: answer(['200 OK', 'Content-Length: 12345', 'ETag: "e"']),
  upload: (socket, head, first) => {
    const hash = createHash('sha256');
    let left = Number(head.match(/^content-length: (\d+)/im)[1]);
    const take = (data) => {
      hash.update(data);
      left -= data.length;
      if (left === 0) {
        const text = hash.digest('hex');
        socket.end(answer(['200 OK', `Content-Length: ${text.length}`], text));
      }
    };
    take(first);
    socket.on('data', take);
  },
  download: (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${100 * MEGABYTE}\r\n\r\n`);
    const piece = Buffer.alloc(MEGABYTE, 'd');
    let left = 100;
    const push = () => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(piece)) return socket.once('drain', push);
      }
      socket.end();
    };
    push();
  },
  endless: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    const timer = setInterval(() => socket.write('8\r\ndata: x\n\r\n'), 20);
    socket.on('close', () => {
      clearInterval(timer);
      seenEnd();
    });
  },
  broken: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this');
    setTimeout(() => socket.destroy(), 50);
  },
  'status-600': answer(['600 Odd', 'Content-Length: 1'], 'x'),
  'status-999': answer(['999 Odd', 'Content-Length: 1'], 'x'),
  'status-099': answer(['099 Odd', 'Content-Length: 1'], 'x'),
  'status-none': Buffer.from('HTTP/1.1\r\n\r\n'),
  'status-word': Buffer.from('HTTP/1.1 fine OK\r\n\r\n'),
  'no-http': Buffer.from('220 smtp.example ESMTP\r\n'),
  'bad-length': answer(['200 OK', 'Content-Length: 5', 'Content-Length: 7'], 'hello, you'),
  silence: (socket) => socket.destroy(),
};

let origin;
let stack;
let alice;
before(async () => {
  origin = await startRawOrigin(answers);
  stack = await startStack({ vars: { OIDC_RULES: RULES, OIDC_ORIGIN: origin.url } });
  alice = stack.visitor();
  await alice.signIn('/private/');
});
after(async () => {
  await stack?.close();
  await origin?.close();
});

/** A request of Alice's whose body is written and whose answer is read piece by piece; resolves to the answer. */
function open(path, { method = 'GET', headers = {}, write } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ host: '127.0.0.1', port: stack.port, method, path, agent: false, headers: { Host: `localhost:${stack.port}`, Cookie: alice.cookieHeader('localhost', path), ...headers } }, resolve);
    outgoing.on('error', reject);
    if (write) write(outgoing);
    else outgoing.end();
  });
}

async function whole(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The memory of the runtime in megabytes; where the system does not tell, nothing is measured. */
function memory() {
  const file = `/proc/${stack.worker.pid}/status`;
  return existsSync(file) ? Number(readFileSync(file, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024 : 0;
}

async function peakWhile(work) {
  const began = memory();
  let peak = began;
  const timer = setInterval(() => (peak = Math.max(peak, memory())), 10);
  const result = await work();
  clearInterval(timer);
  return { result, grown: peak - began };
}

describe('100 MB', () => {
  test('go up without being held', async () => {
    const piece = randomBytes(MEGABYTE);
    const hash = createHash('sha256');
    const { result, grown } = await peakWhile(async () => {
      const response = await open('/upload', {
        method: 'PUT',
        headers: { 'Content-Length': String(100 * MEGABYTE) },
        write: async (outgoing) => {
          for (let count = 0; count < 100; count += 1) {
            hash.update(piece);
            if (!outgoing.write(piece)) await new Promise((resolve) => outgoing.once('drain', resolve));
          }
          outgoing.end();
        },
      });
      return (await whole(response)).toString();
    });
    assert.equal(result, hash.digest('hex'));
    assert.ok(grown < 50, `the runtime grew by ${grown.toFixed()} MB`);
  });

  test('come down without being held', async () => {
    const { result, grown } = await peakWhile(async () => {
      let length = 0;
      for await (const chunk of await open('/download')) length += chunk.length;
      return length;
    });
    assert.equal(result, 100 * MEGABYTE);
    assert.ok(grown < 50, `the runtime grew by ${grown.toFixed()} MB`);
  });
});

describe('a stream', () => {
  test('without an end flows, and ends at the origin when the visitor leaves', async () => {
    const response = await open('/endless');
    let events = 0;
    await new Promise((resolve) => {
      response.on('error', () => {});
      response.on('data', () => {
        events += 1;
        if (events === 5) {
          response.destroy();
          resolve();
        }
      });
    });
    await Promise.race([ended, new Promise((_, reject) => setTimeout(() => reject(new Error('the origin goes on')), 10_000).unref())]);
  });

  test('that breaks off is not taken for whole', async () => {
    await assert.rejects(open('/broken').then(whole));
    assert.equal((await alice.send('/ok')).status, 200);
  });
});

describe('as it came', () => {
  for (const [encoding, body] of Object.entries(COMPRESSED)) {
    for (const path of [`/${encoding}`, `/public/${encoding}`]) {
      test(`a body in ${encoding}: ${path}`, async () => {
        const response = await open(path, { headers: { 'Accept-Encoding': encoding } });
        assert.equal(response.headers['content-encoding'], encoding);
        assert.ok(body.equals(await whole(response)));
      });
    }
  }

  test('the answer after an early hint', async () => {
    assert.equal((await alice.send('/early')).text, 'late');
  });

  test('answers without a body', async () => {
    const empty = await alice.send('/empty');
    assert.deepEqual([empty.status, empty.text, empty.headers['x-kept']], [204, '', 'yes']);
    assert.equal((await alice.send('/reset')).status, 205);
    const unchanged = await alice.send('/unchanged', { headers: { 'If-None-Match': '"e"' } });
    assert.deepEqual([unchanged.status, unchanged.headers.etag, unchanged.headers['cache-control']], [304, '"e"', 'private, max-age=9']);
  });

  test('the answer to HEAD, with the length of what GET would get', async () => {
    const response = await open('/head', { method: 'HEAD' });
    assert.deepEqual([response.statusCode, response.headers['content-length'], response.headers.etag], [200, '12345', '"e"']);
    assert.equal((await whole(response)).length, 0);
  });

  test('a range', async () => {
    const response = await open('/part', { headers: { Range: 'bytes=10-99' } });
    assert.equal(response.statusCode, 206);
    assert.equal(response.headers['content-range'], 'bytes 10-99/1000');
    assert.ok(CONTENT.subarray(10, 100).equals(await whole(response)));
  });
});

describe('an origin that speaks oddly', () => {
  for (const path of ['status-600', 'status-999', 'status-099', 'status-none', 'status-word', 'no-http', 'bad-length', 'silence']) {
    test(`${path}: no page of ours breaks`, async () => {
      for (const target of [`/${path}`, `/public/${path}`]) {
        const { status } = await rawGet(stack.port, target, { Cookie: alice.cookieHeader('localhost', '/') });
        const asItCame = Number(path.split('-')[1]);
        assert.ok(status === 502 || status === asItCame, `${target}: ${status}`);
      }
      assert.equal((await alice.send('/ok')).text, 'ok');
    });
  }
});
