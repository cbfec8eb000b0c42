// Requests by the thousand over loopback: kept-alive connections, only so many at a time, no longer than allowed.

import http from 'node:http';
import { Failure } from '../../scripts/lib/terminal.mjs';

const PATIENCE_MS = 20_000;

/** A client of one port. `send({ method, target, headers, body })` resolves to `{ status, headers }` once the answer is read. */
export class Client {
  constructor(port, concurrency) {
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  }

  send({ method = 'GET', target, headers = {}, body }) {
    return new Promise((resolve, reject) => {
      const outgoing = http.request({
        host: '127.0.0.1',
        port: this.port,
        agent: this.agent,
        method,
        path: target,
        setHost: false,
        headers: { Host: `localhost:${this.port}`, ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) },
        timeout: PATIENCE_MS,
      });
      outgoing.on('error', reject);
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${target} in ${PATIENCE_MS / 1000} s`)));
      outgoing.on('response', (incoming) => {
        incoming.resume();
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode, headers: incoming.headers }));
      });
      outgoing.end(body);
    });
  }

  close() {
    this.agent.destroy();
  }
}

/** Calls `job(index)` for each index from `from` up to `to`, at most `concurrency` at a time; fails when `deadline` has passed. */
export async function each({ from = 0, to, concurrency, deadline }, job) {
  let next = from;
  const worker = async () => {
    while (next < to) {
      if (Date.now() > deadline) throw new Failure(`stopped at request ${next} of ${to}: the time is up`, 'allow more with --minutes, or wait until the machine is calm');
      const index = next;
      next += 1;
      await job(index);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
