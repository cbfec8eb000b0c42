// The verdict for a proxy, with a real nginx in front of files and of an application: examples/forward-auth/nginx.conf.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { programOf } from '../../scripts/lib/debian.mjs';
import { rawGet, request } from './support/http.mjs';
import { marker, startStack } from './support/stack.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort } from './support/workerd.mjs';

const CONFIGURATION = readFileSync(new URL('../../examples/forward-auth/nginx.conf', import.meta.url), 'utf8');
const RULES = [
  { path: '/public/*', access: 'public' },
  { path: '/staff/*', access: 'login', claims: { groups: ['admins'] } },
  { path: '/app/echo/open', methods: ['GET'], access: 'public' },
  { path: '/*', access: 'login' },
];

let program;
let problem;
try {
  program = await programOf({ name: 'nginx', purpose: 'the test of forward authentication', variable: 'NGINX_PATH', places: ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'] });
} catch (error) {
  // Elsewhere it may be missing; where everything must hold, it may not.
  if (process.env.CI) throw error;
  problem = error.message;
}

/** Starts nginx with the example: at that port, in front of these. */
async function startNginx({ port, worker, application }) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-nginx-'));
  const site = join(folder, 'site');
  for (const path of ['', 'private', 'public', 'staff']) {
    mkdirSync(join(site, path), { recursive: true });
    writeFileSync(join(site, path, 'index.html'), `the file ${path}`);
  }
  const server = CONFIGURATION
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replace('root /srv/site;', `root ${site};`)
    .replaceAll('https://auth.example.com', `http://${worker}`)
    .replace('http://127.0.0.1:9000', application);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n');
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  writeFileSync(join(folder, 'nginx.conf'), `${user} daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
events {}
http { access_log off; default_type text/html; ${temporary}
${server} }`);
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  let log = '';
  child.stderr.on('data', (data) => (log += data));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; ; tries += 1) {
    const isUp = await request({ port, target: '/oidc_health' }).then(({ status }) => status === 200, () => false);
    if (isUp) break;
    if (tries === 100 || child.exitCode !== null) {
      killed();
      throw new Error(`nginx didn't start:\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    log: () => log,
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      process.removeListener('exit', killed);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('nginx', { skip: problem && `not run: ${problem}` }, () => {
  let stack;
  let nginx;
  let port;
  let alice;
  before(async () => {
    port = await freePort();
    const publicUrl = `http://localhost:${port}`;
    stack = await startStack({
      vars: { OIDC_RULES: RULES, OIDC_ORIGIN: undefined, OIDC_PUBLIC_URL: publicUrl },
      client: { redirect_uris: [`${publicUrl}/oidc_callback`], post_logout_redirect_uris: [`${publicUrl}/oidc_signed_out`] },
    });
    nginx = await startNginx({ port, worker: `localhost:${stack.port}`, application: stack.origin.url });
    alice = new Visitor(publicUrl);
    await alice.signIn('/private/');
  });
  after(async () => {
    await nginx?.close();
    await stack?.close();
  });

  const arrived = (mark) => stack.origin.requests.filter(({ target }) => target.includes(mark));

  test('sends who is not signed in to sign in, and back to where they wanted', async () => {
    const visitor = new Visitor(`http://localhost:${port}`);
    const first = await visitor.navigate('/private/?a=1&b=%26');
    assert.equal(first.status, 302);
    assert.match(first.headers.location, /\/oidc_login\?next=%2Fprivate%2F%3Fa%3D1%26b%3D%2526$/);
    const page = await visitor.signIn('/private/?a=1&b=%26');
    assert.equal(page.status, 200);
    assert.equal(page.text, 'the file private');
    assert.ok(page.url.endsWith('/private/?a=1&b=%26'));
  });

  test('serves files by the Worker’s rules', async () => {
    const stranger = new Visitor(`http://localhost:${port}`);
    const bob = new Visitor(`http://localhost:${port}`);
    await bob.signIn('/private/', 'bob');
    for (const [path, forStranger, forBob, forAlice] of [['/public/', 200, 200, 200], ['/private/', 302, 200, 200], ['/staff/', 302, 403, 200], ['/', 302, 200, 200]]) {
      const statuses = await Promise.all([stranger, bob, alice].map(async (visitor) => (await visitor.navigate(path)).status));
      assert.deepEqual(statuses, [forStranger, forBob, forAlice], path);
    }
  });

  test('tells the application who it is, whatever the visitor says', async () => {
    const headers = { 'X-Forwarded-User': 'mallory', 'X-Forwarded-Email': 'mallory@example.com' };
    const received = (answer) => Object.fromEntries(answer.json().headers.map(([name, value]) => [name.toLowerCase(), value]));
    const open = received(await request({ port, target: '/app/echo/open', headers }));
    assert.equal(open['x-forwarded-user'], undefined);
    assert.equal(open['x-forwarded-email'], undefined);
    const told = received(await alice.send('/app/echo/', { headers }));
    assert.equal(told['x-forwarded-user'], 'alice');
    assert.equal(told['x-forwarded-email'], 'alice@example.com');
  });

  test('lets nobody choose what is asked about', async () => {
    for (const lies of [
      { 'X-Original-URI': '/public/' },
      { 'X-Original-URL': 'http://localhost/public/' },
      { 'X-Forwarded-Uri': '/public/', 'X-Forwarded-Method': 'GET' },
      { 'X-Original-Method': 'GET' },
    ]) {
      assert.equal((await request({ port, target: '/private/', headers: lies })).status, 302, JSON.stringify(lies));
      const mark = marker();
      assert.equal((await request({ port, method: 'POST', target: `/app/echo/open?${mark}`, headers: lies, body: 'x' })).status, 302, JSON.stringify(lies));
      assert.equal(arrived(mark).length, 0);
    }
    assert.equal((await request({ port, target: '/oidc_auth' })).status, 404, 'the question is nginx’s own');
  });

  test('serves nothing of a path that has two readings', async () => {
    for (const target of ['/public/../private/', '/public/%2e%2e/private/', '/public/..%2fprivate/', '/public//../private/', '/public/%252e%252e/private/', '/public;/../private/']) {
      const { status, body } = await rawGet(port, target);
      assert.ok([302, 400, 403].includes(status), `${target}: ${status}`);
      assert.ok(!body.includes('the file private'), target);
    }
  });

  test('keeps what a visitor may see out of shared caches, and ends with the session', async () => {
    const visitor = new Visitor(`http://localhost:${port}`);
    const page = await visitor.signIn('/private/');
    assert.match(page.headers['cache-control'], /private/);
    await visitor.open('/oidc_logout');
    assert.equal((await visitor.navigate('/private/')).status, 302);
  });
});

describe('asked directly', () => {
  let stack;
  before(async () => {
    stack = await startStack({ vars: { OIDC_RULES: RULES } });
  });
  after(() => stack?.close());

  test('it tells a visitor what holds for himself, without a body', async () => {
    const alice = stack.visitor();
    assert.equal((await alice.send('/oidc_auth')).status, 401);
    await alice.signIn('/private/');
    const verdict = await alice.send('/oidc_auth', { headers: { 'X-Forwarded-User': 'mallory' } });
    assert.equal(verdict.status, 204);
    assert.equal(verdict.text, '');
    assert.equal(verdict.headers['x-forwarded-user'], 'alice');
    assert.equal(verdict.headers['x-forwarded-groups'], 'staff,admins');
    assert.equal(verdict.headers['cache-control'], 'no-store');
    assert.equal((await alice.send('/oidc_auth', { headers: { 'X-Forwarded-Uri': '/staff/', 'X-Forwarded-Method': 'GET' } })).status, 204);
    assert.equal((await alice.send('/oidc_auth', { headers: { 'X-Forwarded-Uri': '/public/../staff/' } })).status, 403);
  });
});
