// An origin to put the Worker in front of: a small site, a JSON API, and a few paths that tests look through.
// It knows nothing of OpenID: what it says about a visitor comes from the headers that it was given.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { constants, createGzip, gzipSync } from 'node:zlib';
import { acceptWebSocket } from './websocket.mjs';
import { page, table } from './page.mjs';

const ROUTES = {
  '/': home,
  '/public/': (_request, response) => html(response, page('A public page', '<p>Everyone may read this.</p><p><a href="/">Back</a></p>')),
  '/private/': privatePage,
  '/admin/': (_request, response) => html(response, page('The admin page', '<p>A rule denies this path: nobody should see it.</p>')),
  '/notes/': notes,
  '/spa/': (_request, response) => html(response, page('Notes, by fetch()', SPA)),
  '/spa/app.js': script,
  '/spa/sign-in-again.js': script,
  '/api/whoami': (request, response) => json(response, 200, identityOf(request)),
  '/echo': echo,
  '/events': events,
  '/public/events': events,
  '/slow': slow,
  '/status': status,
  '/gzip': gzip,
  '/set-cookie': setCookie,
  '/cache': cache,
};

/** What /gzip answers, before compression. */
export const GZIP_TEXT = 'compressed at the origin\n'.repeat(1000);

const SPA = `
<form><label>Note <textarea name="note" rows="4" cols="50"></textarea></label><button type="submit">Save</button> <output></output></form>
<p>Sign out in another tab, then save: a window asks you to sign in, and the note is saved.</p>
<nav><a href="/">Home</a></nav>
<script type="module" src="app.js"></script>`;

/**
 * Starts the site on 127.0.0.1 and resolves to `{ url, requests, live, close }`; `live()` is how many WebSockets and
 * event streams are open.
 * `requests` are all requests so far, as `{ method, target }`: what has not got through is not there.
 */
export async function startOrigin({ port = 0 } = {}) {
  const requests = [];
  const open = new Set();
  const stayOpen = (connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection));
  };
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    requests.push({ method: request.method, target: request.url });
    const path = request.url.split('?')[0];
    const route = ROUTES[path] ?? ROUTES[`${path}/`] ?? (/^\/((public|app)\/)?echo\//.test(`${path}/`) ? echo : notFound);
    if (route === events) stayOpen(response);
    // A visitor who leaves in the middle of an answer is nobody's fault.
    response.on('error', () => {});
    Promise.resolve(route(request, response)).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket) => {
    requests.push({ method: request.method, target: request.url });
    if (request.url.split('?')[0] === '/ws') {
      acceptWebSocket(request, socket);
      stayOpen(socket);
    }
    else socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    live: () => open.size,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** What the Worker says about the visitor. */
function identityOf(request) {
  const { headers } = request;
  return {
    user: headers['x-forwarded-user'] ?? null,
    email: headers['x-forwarded-email'] ?? null,
    preferred_username: headers['x-forwarded-preferred-username'] ?? null,
    // Percent-encoded where it isn't ASCII.
    name: decode(headers['x-forwarded-name']),
    groups: headers['x-forwarded-groups'] ? headers['x-forwarded-groups'].split(',').map(decode) : [],
  };
}

function decode(value) {
  try {
    return value === undefined ? null : decodeURIComponent(value);
  } catch {
    return value;
  }
}

function home(request, response) {
  const { user } = identityOf(request);
  html(response, page('The demo site', `
<p>This page is public${user ? ` and knows you as ${decode(user).replace(/[^\w.@-]/g, '')}` : ''}. The Worker in front of the site asks you to sign in where a rule says so.</p>
<nav>
  <a href="/public/">Public</a> <a href="/private/">Private</a> <a href="/notes/">Notes</a> <a href="/spa/">Notes by fetch()</a> <a href="/api/whoami">API</a> <a href="/admin/">Admin (denied)</a>
  <a href="/oidc_login?next=/private/">Sign in</a> <a href="/oidc_logout">Sign out</a>
</nav>`));
}

function privatePage(request, response) {
  const identity = identityOf(request);
  const rows = Object.entries(identity).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? 'unknown')]);
  html(response, page('The private page', `
<p>The Worker says who you are:</p>
${table(rows)}
<p>in these headers:</p>
${table(Object.entries(request.headers).filter(([name]) => name.startsWith('x-forwarded-')))}
<nav><a href="/">Home</a> <a href="/oidc_logout">Sign out</a></nav>`));
}

/** A form to fill in, and what has come of it: for trying out what happens to it when the session ends meanwhile. */
async function notes(request, response) {
  if (request.method !== 'POST') {
    return html(response, page('Write a note', `
<form method="post"><label>Note <textarea name="note" rows="4" cols="50"></textarea></label><button type="submit">Send the note</button></form>
<form method="post" enctype="multipart/form-data"><label>File <input name="file" type="file"></label><button type="submit">Send the file</button></form>
<nav><a href="/">Home</a></nav>`));
  }
  const body = Buffer.concat(await request.toArray());
  const [kind] = request.headers['content-type'].split(';');
  html(response, page('It has arrived', `
${table([['From', identityOf(request).user ?? 'nobody'], ['Kind', kind], ['Bytes', body.length], ['Note', new URLSearchParams(body.toString()).get('note') ?? '']])}
<nav><a href="/notes/">Another one</a> <a href="/">Home</a></nav>`));
}

/** A script of spa/. */
async function script(request, response) {
  const name = request.url.split('?')[0].split('/').at(-1);
  response.setHeader('content-type', 'text/javascript; charset=utf-8');
  response.end(await readFile(new URL(`spa/${name}`, import.meta.url)));
}

/** Says what arrived, headers in order and with their case as received; with `?bytes` the body too. */
async function echo(request, response) {
  const hash = createHash('sha256');
  const chunks = /[?&]bytes\b/.test(request.url) ? [] : undefined;
  let length = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    length += chunk.length;
    chunks?.push(chunk);
  }
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
  json(response, 200, { method: request.method, target: request.url, headers, body: { length, sha256: hash.digest('hex'), base64: chunks && Buffer.concat(chunks).toString('base64') } });
}

/** Server-sent events: five, 100 ms apart, or as many as `?count=` says; compressed when there is `?gzip`. */
async function events(request, response) {
  const wanted = new URLSearchParams(request.url.split('?')[1]);
  const compressed = wanted.has('gzip');
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', ...(compressed && { 'content-encoding': 'gzip' }) });
  const stream = compressed ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : response;
  if (compressed) stream.pipe(response);
  for (let i = 1; i <= Number(wanted.get('count') ?? 5) && !response.destroyed; i += 1) {
    stream.write(`id: ${i}\ndata: ${Date.now()}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stream.end();
}

/** Answers after `?ms=` milliseconds, two seconds otherwise. */
async function slow(request, response) {
  const milliseconds = Number(new URLSearchParams(request.url.split('?')[1]).get('ms') ?? 2000);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  json(response, 200, { slept: milliseconds });
}

/** Answers with the status of `?code=`; a redirect goes nowhere in particular. */
function status(request, response) {
  const code = Number(new URLSearchParams(request.url.split('?')[1]).get('code') ?? 200);
  response.writeHead(code, { 'x-origin-status': String(code), ...(code >= 300 && code < 400 && { location: '/elsewhere?a=1' }) });
  response.end();
}

/** Answers compressed, whatever was asked for. */
function gzip(_request, response) {
  const body = gzipSync(GZIP_TEXT);
  response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', 'content-length': body.length });
  response.end(body);
}

/** Sets cookies of its own, and tries to set the Worker's. */
function setCookie(_request, response) {
  response.setHeader('set-cookie', [
    'theme=dark; Path=/',
    'basket=1%2C2; Path=/; HttpOnly',
    '__Host-oidc_id_token=forged; Path=/; Secure',
    'oidc_id_token=forged; Path=/',
  ]);
  json(response, 200, { set: ['theme', 'basket'] });
}

/** Cacheable as `?control=` says, publicly otherwise. */
function cache(request, response) {
  const asked = new URLSearchParams(request.url.split('?')[1]);
  const control = asked.get('control') ?? 'public, max-age=600, s-maxage=3600';
  response.setHeader('cache-control', control);
  if (asked.has('cdn')) response.setHeader('cdn-cache-control', asked.get('cdn'));
  response.setHeader('etag', '"demo-1"');
  json(response, 200, { control, user: identityOf(request).user });
}

function notFound(_request, response) {
  response.statusCode = 404;
  html(response, page('Not found', '<p><a href="/">Home</a></p>'));
}

function html(response, text) {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(text);
}

function json(response, code, value) {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value, null, 2)}\n`);
}
