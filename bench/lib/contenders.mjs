// Those who are measured beside ours: Workers in JavaScript, each in one file as it would be uploaded, and native servers.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { EncryptJWT } from 'jose';
import { startStack } from '../../tests/e2e/support/stack.mjs';
import { freePort, startWorker } from '../../tests/e2e/support/workerd.mjs';
import { Visitor, parseSetCookie } from '../../tests/e2e/support/visitor.mjs';
import { ROOT } from '../../scripts/lib/run.mjs';
import { Failure } from '../../scripts/lib/terminal.mjs';
import { PAGE, startBareOrigin } from './rounds.mjs';

/** That of each contender, whatever it needs one for. */
export const SECRET = 'a-secret-of-contenders-of-32-bytes-or-more';
const HOUR = 3600;

/** `{ build, modules }` of the contender of that name with its libraries in one file, as wrangler would upload it. */
export async function bundled(name, closing) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-bench-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, `${name}.mjs`);
  await build({ entryPoints: [join(ROOT, 'bench', 'contenders', `${name}.mjs`)], bundle: true, format: 'esm', minify: true, conditions: ['workerd', 'worker', 'browser'], outfile, logLevel: 'error' });
  return { build: folder, modules: { [`${name}.mjs`]: 'esModule' } };
}

/** What its upload takes, in bytes. */
export function uploadOf({ build: folder, modules }) {
  const files = Object.keys(modules).map((file) => readFileSync(join(folder, file)));
  const sum = (sizes) => sizes.reduce((all, size) => all + size, 0);
  return { bytes: sum(files.map((file) => file.length)), gzip_bytes: sum(files.map((file) => gzipSync(file, { level: 9 }).length)) };
}

/** An origin and the stack before it, with a provider at which the contenders are clients too; the `ports` of these, by name. */
export async function startStage(closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  const ports = { hono: await freePort(), apache: await freePort() };
  const configure = (configuration) => configuration.clients.push(...clientsOf(ports));
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin.url }, provider: { configure } });
  closing.push(() => stack.close());
  return { origin, ports, stack };
}

function clientsOf({ hono, apache }) {
  const client = (name, path, port) => ({
    client_id: name, client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [`http://localhost:${port}${path}`],
  });
  return [client('hono', '/callback', hono), client('apache', '/oidc_redirect', apache)];
}

/** A Worker with nobody to sign in; the origin is told by the client who it is, if by nobody else. */
export async function startBare(name, origin, closing) {
  const worker = await startWorker({ vars: { OIDC_ORIGIN: origin }, ...(await bundled(name, closing)) });
  closing.push(() => worker.close());
  return { ...worker, headers: { ...PAGE, 'X-Forwarded-User': 'alice', Cookie: 'theme=dark' } };
}

/** The Worker whose session is a JWE, with a session in a cookie. */
export async function startSealed(issuer, origin, claims, closing) {
  const key = randomBytes(32);
  const options = { vars: { KEY: key.toString('base64'), OIDC_ISSUER: issuer, OIDC_ORIGIN: origin }, ...(await bundled('sealed', closing)) };
  const worker = await startWorker(options);
  closing.push(() => worker.close());
  const session = new EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).setIssuer(issuer).setIssuedAt().setExpirationTime('24h');
  return { ...worker, options, headers: { ...PAGE, Cookie: `session=${await session.encrypt(key)}` } };
}

/** The Worker with @hono/oidc-auth, with the session that it has made itself. */
export async function startHono(issuer, origin, port, closing) {
  const vars = {
    OIDC_ORIGIN: origin, OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'hono', OIDC_CLIENT_SECRET: SECRET, OIDC_AUTH_SECRET: SECRET,
    OIDC_REDIRECT_URI: '/callback', OIDC_SCOPES: 'openid email profile', OIDC_AUTH_REFRESH_INTERVAL: String(24 * HOUR),
  };
  const options = { port, vars, ...(await bundled('hono', closing)) };
  const worker = await startWorker(options);
  closing.push(() => worker.close());
  return { ...worker, options, headers: { ...PAGE, Cookie: await signedInAt(worker.publicUrl, 'oidc-auth') } };
}

/** The `Cookie` of somebody who has signed in at another than ours. */
export async function signedInAt(publicUrl, name) {
  const visitor = new Visitor(publicUrl);
  const form = await visitor.open('/private/page');
  const landed = await visitor.submit(form, { name: 'alice', password: 'alice' });
  const value = visitor.cookies[name] ?? landed.setCookies.map(parseSetCookie).find((cookie) => cookie.name === name)?.value;
  if (!value) throw new Failure(`nobody was signed in at ${publicUrl}: ${landed.status} at ${landed.url}`, 'look at what the contender answers');
  return Object.entries(visitor.cookies).map(([each, cookie]) => `${each}=${cookie}`).join('; ');
}
