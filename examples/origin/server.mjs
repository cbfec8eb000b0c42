// An origin that answers nobody but the Worker: `node server.mjs https://app.example.com https://origin.example.com`.
// With `signature = true` in OIDC_ASSERTION, every request is checked, public ones too; without, those of visitors.

import { createServer } from 'node:http';
import { createVerifier } from './verify.mjs';

/** Starts it. `worker` and `audience` are those of `createVerifier`, `signed` is whether whole requests are signed. */
export function startOrigin({ worker, audience, signed = false, port = 0, hostname = '127.0.0.1' }) {
  const verifier = createVerifier({ worker, audience });
  const server = createServer(async (request, response) => {
    // As the origin is asked for it: behind a proxy that changes the host, put the host's real name here.
    const url = `${new URL(audience).protocol}//${request.headers.host}${request.url}`;
    const asked = { method: request.method, url, headers: new Headers(singles(request.headers)) };
    try {
      const covered = signed ? await verifier.message(asked) : undefined;
      const isVisitor = !signed || covered.includes('x-forwarded-user');
      const { sub } = isVisitor ? await verifier.assertion(asked) : {};
      answer(response, 200, { sub: sub ?? null });
    } catch (error) {
      answer(response, 401, { error: error.message });
    }
  });
  return new Promise((resolve) => {
    server.listen(port, hostname, () => resolve(server));
  });
}

// A header that came twice is a list in Node, and nothing that the Worker sends.
function singles(headers) {
  return Object.entries(headers).filter(([, value]) => typeof value === 'string');
}

function answer(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [worker, audience] = process.argv.slice(2);
  const server = await startOrigin({ worker, audience, signed: process.argv.includes('--signed'), port: 8080 });
  console.log(`listening on port ${server.address().port}`);
}
