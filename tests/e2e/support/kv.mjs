// Workers KV as the runtime speaks to it, with the entries in sight and its weaknesses on demand.

import { createServer } from 'node:http';

/**
 * Starts a store and resolves to `{ address, entries, operations, behaviour, close }`.
 *
 * `entries`: key -> { value, expirationTtl }. `operations`: what was asked, as `{ method, key }`.
 * `behaviour`: `ok`; `failing` answers 503; `lagging` takes writes and never shows them, as another location
 * may see it for a minute; `behind` shows what stood there when `fallBehind()` was called; `throttled` refuses writes
 * with 429; `hanging` doesn't answer at all. At `/behaviour` it says which.
 */
export async function startKv() {
  const store = { entries: new Map(), operations: [], behaviour: 'ok' };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://kv');
    const key = decodeURIComponent(url.pathname.slice(1));
    if (url.pathname === '/behaviour') return response.end(store.behaviour);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    store.operations.push({ method: request.method, key });
    if (store.behaviour === 'hanging') return;
    answer(store, request.method, key, url.searchParams, Buffer.concat(chunks), response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(store, {
    fallBehind: () => Object.assign(store, { snapshot: new Map(store.entries), behaviour: 'behind' }),
    address: `127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  });
}

function answer(store, method, key, parameters, body, response) {
  const reply = (status, content) => response.writeHead(status).end(content);
  if (store.behaviour === 'failing') return reply(503, 'the store is down');
  if (method !== 'GET' && store.behaviour === 'throttled') return reply(429, 'too many writes');
  if (method === 'PUT') {
    const ttl = parameters.get('expiration_ttl');
    // As the platform does it: a shorter life is refused.
    if (ttl !== null && Number(ttl) < 60) return reply(400, 'Invalid expiration_ttl');
    store.entries.set(key, { value: body, expirationTtl: ttl === null ? null : Number(ttl) });
    return reply(204);
  }
  if (method === 'DELETE') {
    store.entries.delete(key);
    return reply(204);
  }
  const seen = { lagging: new Map(), behind: store.snapshot }[store.behaviour] ?? store.entries;
  const entry = seen.get(key);
  return entry ? reply(200, entry.value) : reply(404);
}
