// The cache of a location as the runtime speaks to it, with what it holds in sight.

import { createServer } from 'node:http';

/**
 * Starts a cache and resolves to `{ address, entries, operations, behaviour, close }`.
 *
 * `entries`: namespace and URL -> an HTTP response as it was put there. `operations`: what was asked, as `{ method, url }`.
 * `behaviour`: `ok`, or `failing`, which answers 503, or `hanging`, which answers nothing.
 */
export async function startCache() {
  const cache = { entries: new Map(), operations: [], behaviour: 'ok' };
  const server = createServer(async (request, response) => {
    const url = `${request.headers.host}${request.url}`;
    const key = `${request.headers['cf-cache-namespace'] ?? ''} ${url}`;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    cache.operations.push({ method: request.method, url });
    if (cache.behaviour === 'hanging') return;
    if (cache.behaviour === 'failing') return response.writeHead(503).end();
    if (request.method === 'PUT') {
      cache.entries.set(key, Buffer.concat(chunks));
      return response.writeHead(204).end();
    }
    const entry = cache.entries.get(key);
    if (!entry) return response.writeHead(504).end();
    const end = entry.indexOf('\r\n\r\n');
    const headers = entry.subarray(0, end).toString('latin1').split('\r\n').slice(1).map((line) => line.split(': '));
    return response.writeHead(200, { ...Object.fromEntries(headers), 'CF-Cache-Status': 'HIT' }).end(entry.subarray(end + 4));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(cache, {
    address: `127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  });
}
