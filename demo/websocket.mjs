// A WebSocket echo (RFC 6455) over node:http's upgrade, as much of it as an origin for tests needs.

import { createHash } from 'node:crypto';

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Accepts the upgrade and sends every message back. The first message tells who the visitor is. */
export function acceptWebSocket(request, socket) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + ACCEPT_GUID).digest('base64');
  const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(/, */);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${protocol && `Sec-WebSocket-Protocol: ${protocol}\r\n`}\r\n`);
  socket.on('error', () => {});
  socket.write(encodeFrame(TEXT, Buffer.from(`hello ${request.headers['x-forwarded-user'] ?? 'stranger'}`)));

  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, data]);
    for (let frame = decodeFrame(pending); frame; frame = decodeFrame(pending)) {
      pending = pending.subarray(frame.size);
      if (frame.opcode === TEXT || frame.opcode === BINARY) socket.write(encodeFrame(frame.opcode, frame.payload));
      else if (frame.opcode === PING) socket.write(encodeFrame(PONG, frame.payload));
      else if (frame.opcode === CLOSE) socket.end(encodeFrame(CLOSE, frame.payload));
    }
  });
}

/** One unfragmented frame; with a `mask` of four bytes, as a client must send it. */
export function encodeFrame(opcode, payload, mask) {
  const masked = mask ? 0x80 : 0;
  let head;
  if (payload.length < 126) {
    head = Buffer.from([0x80 | opcode, masked | payload.length]);
  } else if (payload.length < 65_536) {
    head = Buffer.from([0x80 | opcode, masked | 126, 0, 0]);
    head.writeUInt16BE(payload.length, 2);
  } else {
    head = Buffer.from([0x80 | opcode, masked | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return mask ? Buffer.concat([head, mask, unmask(payload, mask)]) : Buffer.concat([head, payload]);
}

/** The first whole frame of `bytes` with the `size` it takes, or nothing yet. */
export function decodeFrame(bytes) {
  if (bytes.length < 2) return undefined;
  const opcode = bytes[0] & 0x0f;
  const masked = Boolean(bytes[1] & 0x80);
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const start = at + (masked ? 4 : 0);
  if (bytes.length < start + length) return undefined;
  const payload = bytes.subarray(start, start + length);
  return { opcode, size: start + length, payload: masked ? unmask(payload, bytes.subarray(at, at + 4)) : Buffer.from(payload) };
}

function unmask(payload, mask) {
  return Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]));
}
