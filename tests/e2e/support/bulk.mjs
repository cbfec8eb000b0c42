// WebSockets that carry more than fits into buffers: sides that read when they are told to, and send as fast as they may.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { decodeFrame, encodeFrame } from '../../../demo/websocket.mjs';

const TEXT = 1;
const CLOSE = 8;
/** A mask that changes nothing: what is sent again and again need not be masked anew. */
const NO_MASK = Buffer.alloc(4);

/** A site whose WebSockets do nothing by themselves: `next()` is the side of the next one that is opened. */
export async function startBulkSite() {
  const opened = [];
  const waiting = [];
  const sockets = new Set();
  const server = http.createServer((_request, response) => response.end('{}'));
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const side = new Side(socket);
    if (waiting.length) waiting.shift()(side);
    else opened.push(side);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    next: () => (opened.length ? Promise.resolve(opened.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** Opens one as a client: its side, once it is open. */
export function openBulk({ port, target = '/', headers = {} }) {
  return new Promise((resolve, reject) => {
    const key = randomBytes(16).toString('base64');
    const outgoing = http.request({
      host: '127.0.0.1', port, path: target, agent: false, setHost: false,
      headers: { Host: `localhost:${port}`, Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => reject(new Error(`not opened: ${response.statusCode}`)));
    outgoing.on('upgrade', (_response, socket, head) => resolve(new Side(socket, { head, mask: NO_MASK })));
    outgoing.end();
  });
}

/** One side of a WebSocket. It reads nothing before `read` is called. */
export class Side {
  #pending;
  #pieces = [];
  #missing = 0;
  #answersClose = true;
  /** The messages so far: how many, how many bytes, and whether each came as its number says. */
  received = { count: 0, bytes: 0, inOrder: true };
  /** The code of the other side's close frame, once it has been read. */
  code;

  constructor(socket, { head = Buffer.alloc(0), mask } = {}) {
    this.socket = socket;
    this.mask = mask;
    this.#pending = head;
    socket.pause();
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    /** The connection is over, however. */
    this.gone = new Promise((resolve) => socket.on('close', resolve));
    this.closed = new Promise((resolve) => (this.end = resolve));
    this.gone.then(() => this.end(this.code ?? 1006));
    socket.on('data', (data) => this.#take(data));
  }

  read() {
    this.socket.resume();
    return this;
  }

  /** Reads so many bytes a second, in pieces. */
  readSlowly(bytesPerSecond) {
    const every = 50;
    let allowed = 0;
    const timer = setInterval(() => {
      allowed = Math.min(allowed + (bytesPerSecond * every) / 1000, bytesPerSecond);
      for (let piece; allowed > 0 && (piece = this.socket.read()) !== null; ) allowed -= piece.length;
    }, every);
    // In this mode what is read is taken by `read()`, which also says 'data'.
    this.socket.on('readable', () => {});
    this.gone.then(() => clearInterval(timer));
    return this;
  }

  /** From now on a close frame is not answered. */
  answerNoClose() {
    this.#answersClose = false;
    return this;
  }

  #take(data) {
    // Long messages come in many pieces: they are put together once there are enough of them.
    this.#pieces.push(data);
    this.#missing -= data.length;
    if (this.#missing > 0) return;
    this.#pending = Buffer.concat([this.#pending, ...this.#pieces.splice(0)]);
    for (let frame = decodeFrame(this.#pending); frame; frame = decodeFrame(this.#pending)) {
      this.#pending = this.#pending.subarray(frame.size);
      if (frame.opcode === CLOSE) this.#closed(frame.payload);
      else if (frame.opcode < CLOSE) this.#count(frame);
    }
    this.#missing = this.#pending.length < 10 ? 1 : lengthOf(this.#pending) - this.#pending.length;
  }

  #closed(payload) {
    this.code = payload.length >= 2 ? payload.readUInt16BE() : 1005;
    this.end(this.code);
    if (this.#answersClose) this.socket.end(encodeFrame(CLOSE, payload, this.mask));
  }

  // Every other message is text.
  #count({ opcode, payload }) {
    const { received } = this;
    const isText = opcode === TEXT;
    received.inOrder &&= Number(payload.toString('latin1', 0, 10)) === received.count && isText === (received.count % 2 === 1);
    received.count += 1;
    received.bytes += payload.length;
  }

  /** Sends so many messages of that size, as fast as they are taken; says how many there were before the connection was closed. */
  async send(count, size) {
    let gone = false;
    this.gone.then(() => (gone = true));
    for (let sent = 0; sent < count; sent += 1) {
      // Now and then it looks whether something has come, too.
      if (sent % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (gone || this.code !== undefined) return sent;
      const payload = Buffer.alloc(size, ' ');
      payload.write(String(sent).padStart(10, '0'));
      const frame = Buffer.concat([frameHead(sent % 2 === 1 ? TEXT : 2, size, this.mask), payload]);
      if (!this.socket.write(frame)) await Promise.race([new Promise((resolve) => this.socket.once('drain', resolve)), this.gone]);
    }
    return count;
  }

  close(code) {
    this.socket.write(encodeFrame(CLOSE, Buffer.from([code >> 8, code & 255]), this.mask));
  }

  destroy() {
    this.socket.destroy();
  }
}

/** How long the frame at the start is at least, when it is one of more than 65,535 bytes; else 0. */
function lengthOf(bytes) {
  return (bytes[1] & 0x7f) === 127 ? Number(bytes.readBigUInt64BE(2)) : 0;
}

/** What stands before a payload of that size. */
function frameHead(opcode, size, mask) {
  const whole = encodeFrame(opcode, Buffer.alloc(size), mask);
  return whole.subarray(0, whole.length - size);
}
