// As many requests as wanted over a few kept-alive connections, each the same bytes. It parses no more of the answers than
// where they end, so that it takes little of the processor from what is measured.

import net from 'node:net';
import { Failure } from '../../scripts/lib/terminal.mjs';

const PATIENCE_MS = 20_000;

/**
 * Connections to one port on which the same request is asked again and again, with `each` each time with the next
 * of these headers. `ask(n)` resolves when n answers are there.
 */
export class Load {
  constructor({ port, connections = 8, target = '/', headers = {}, each = [{}], status = 200 }) {
    const requestWith = (more) => Buffer.from([`GET ${target} HTTP/1.1`, ...Object.entries({ ...headers, ...more }).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n'));
    this.requests = each.map(requestWith);
    this.next = 0;
    this.expected = `HTTP/1.1 ${status} `;
    this.lanes = Array.from({ length: connections }, () => new Lane(port));
  }

  async ask(count) {
    let left = count;
    await Promise.all(this.lanes.map(async (lane) => {
      while (left > 0) {
        left -= 1;
        this.next = (this.next + 1) % this.requests.length;
        const head = await lane.ask(this.requests[this.next]);
        if (!head.startsWith(this.expected)) throw new Failure(`expected ${this.expected.trim()}, got: ${head.split('\r\n')[0]}`, 'look at what the contender answers');
      }
    }));
  }

  close() {
    for (const lane of this.lanes) lane.socket.destroy();
  }
}

/** One connection, one request at a time. Between rounds nobody asks for a while, and it may be closed meanwhile. */
class Lane {
  constructor(port) {
    this.port = port;
    this.connect();
  }

  connect() {
    const socket = net.connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    this.socket = socket;
    this.seen = '';
    this.waiting = undefined;
    const fails = (problem) => {
      this.waiting?.reject(problem);
      this.waiting = undefined;
    };
    socket.setTimeout(PATIENCE_MS, () => this.waiting && socket.destroy(new Error(`no answer in ${PATIENCE_MS / 1000} s`)));
    socket.on('error', fails);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => fails(new Error('the connection was closed')));
    socket.on('data', (data) => this.read(data));
  }

  ask(request) {
    if (this.socket.destroyed) this.connect();
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  read(data) {
    this.seen += data.latin1Slice();
    const end = this.seen.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.seen.slice(0, end));
    const isWhole = length ? this.seen.length >= end + 4 + Number(length[1]) : this.seen.endsWith('\r\n0\r\n\r\n');
    if (!isWhole) return;
    const head = this.seen.slice(0, end);
    this.seen = '';
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve(head);
  }
}
