// HTTP as tests need it: nothing tidied, nothing followed, every header seen.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { decodeFrame, encodeFrame } from '../../../demo/websocket.mjs';

const PATIENCE_MS = 20_000;
const CLOSE = 8;

/**
 * One request to 127.0.0.1; the target goes out byte for byte. `headers` are an object, or a list of pairs where
 * one is to be sent twice. Resolves to `{ status, headers, setCookies, text, json() }`, header names in lower case.
 */
export function request({ port, method = 'GET', target = '/', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
    const given = pairs.some(([name]) => name.toLowerCase() === 'host');
    const flat = [...(given ? [] : [['Host', `localhost:${port}`]]), ...pairs].flat();
    if (body !== undefined && !pairs.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))) {
      flat.push('Content-Length', String(Buffer.byteLength(body)));
    }
    const outgoing = http.request({ host: '127.0.0.1', port, method, path: target, headers: flat, setHost: false, agent: false, timeout: PATIENCE_MS });
    outgoing.on('error', reject);
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${target} in ${PATIENCE_MS / 1000} s`)));
    outgoing.on('response', async (incoming) => {
      try {
        const chunks = [];
        for await (const chunk of incoming) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode, headers: incoming.headers, setCookies: incoming.headers['set-cookie'] ?? [], text, json: () => JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}

/** Sends exactly these bytes and resolves to the whole answer, up to the end of the connection or the body. */
export function rawRequest(port, bytes) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    const finish = () => {
      socket.destroy();
      const [head] = answer.split('\r\n\r\n', 1);
      resolve({ status: Number(head.split(' ')[1]), head, body: answer.slice(head.length + 4) });
    };
    socket.setTimeout(PATIENCE_MS, () => reject(new Error('the raw request got no whole answer')));
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      const length = answer.match(/^content-length: (\d+)\r$/im);
      const start = answer.indexOf('\r\n\r\n');
      if (length && start >= 0 && answer.length >= start + 4 + Number(length[1])) finish();
    });
    socket.on('end', finish);
    socket.on('error', reject);
  });
}

/** A GET with the target as it stands, `Connection: close`. */
export function rawGet(port, target, headers = {}) {
  const lines = Object.entries({ Host: `localhost:${port}`, Accept: 'text/html', Connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return rawRequest(port, `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

/**
 * Opens a WebSocket. Resolves to `{ status, send, next, closed, close }` and more: `next()` is the next text message; without an
 * upgrade there is the status alone.
 */
export function openWebSocket({ port, target, headers = {} }) {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      host: '127.0.0.1',
      port,
      path: target,
      agent: false,
      setHost: false,
      headers: { Host: `localhost:${port}`, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode }));
    });
    outgoing.on('upgrade', (response, socket, head) => resolve(conversation(response, socket, head)));
    outgoing.end();
  });
}

function conversation({ statusCode: status, headers }, socket, head) {
  let pending = Buffer.from(head);
  const messages = [];
  const waiting = [];
  let end;
  const closed = new Promise((resolve) => (end = resolve));
  const read = () => {
    for (let frame = decodeFrame(pending); frame; frame = decodeFrame(pending)) {
      pending = pending.subarray(frame.size);
      if (frame.opcode === CLOSE) {
        end(frame.payload.length >= 2 ? frame.payload.readUInt16BE() : 1005);
        continue;
      }
      const message = frame.payload.toString();
      if (waiting.length) waiting.shift()(message);
      else messages.push(message);
    }
  };
  socket.on('error', () => {});
  socket.on('close', () => end(1006));
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    read();
  });
  read();
  return {
    status,
    headers,
    /** The code it is closed with by the other side; 1006 when it just ends. */
    closed,
    ping: () => socket.write(encodeFrame(9, Buffer.from('ping'), randomBytes(4))),
    finish: (code, reason = []) => socket.write(encodeFrame(CLOSE, Buffer.from([code >> 8, code & 255, ...reason]), randomBytes(4))),
    sendBytes: (bytes) => socket.write(encodeFrame(2, bytes, randomBytes(4))),
    send: (message) => socket.write(encodeFrame(1, Buffer.from(message), randomBytes(4))),
    next: () => (messages.length ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => socket.destroy(),
  };
}
