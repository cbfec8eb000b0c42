// Native servers for context, where they are installed: nginx alone, and Apache with mod_auth_openidc. Each with one
// process that works, before the same origin.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../tests/e2e/support/workerd.mjs';
import { isExecutable } from '../../scripts/lib/debian.mjs';
import { Failure } from '../../scripts/lib/terminal.mjs';
import { SECRET, signedInAt } from './contenders.mjs';
import { PAGE } from './rounds.mjs';

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/local/bin/nginx'];
const APACHE = ['/usr/sbin/apache2'];
const APACHE_MODULES = '/usr/lib/apache2/modules';
const PATIENCE_MS = 10_000;

/** nginx that sets three headers and forwards; a text says why there is none. */
export async function startNginx(origin, closing) {
  const program = NGINX.find(isExecutable);
  if (!program) return 'nginx is not installed (Debian: apt-get install nginx-light)';
  const port = await freePort();
  const version = versionOf(program);
  const started = await startServer(program, (folder) => ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'], nginxConf(port, origin), 'nginx.conf', port, closing);
  return { ...started, version, headers: { ...PAGE, Cookie: 'theme=dark' } };
}

/** Apache that signs in by mod_auth_openidc, with a session in a cookie; a text says why there is none. */
export async function startApache(issuer, origin, port, closing) {
  const program = APACHE.find(isExecutable);
  if (!program || !existsSync(join(APACHE_MODULES, 'mod_auth_openidc.so'))) {
    return 'Apache with mod_auth_openidc is not installed (Debian: apt-get install apache2 libapache2-mod-auth-openidc)';
  }
  const args = (folder) => ['-d', folder, '-f', join(folder, 'apache.conf'), '-DFOREGROUND'];
  const started = await startServer(program, args, apacheConf(port, origin, issuer), 'apache.conf', port, closing);
  return { ...started, version: versionOf(program), headers: { ...PAGE, Cookie: await signedInAt(`http://localhost:${port}`, 'mod_auth_openidc_session') } };
}

/** What follows the first slash of what it says of itself, which nginx does on the one stream and Apache on the other. */
function versionOf(program) {
  const { stdout, stderr } = spawnSync(program, ['-v'], { encoding: 'utf8' });
  return `${stdout}${stderr}`.match(/\/([\d.]+)/)?.[1] ?? 'unknown';
}

async function startServer(program, args, configuration, file, port, closing) {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-native-'));
  writeFileSync(join(folder, file), configuration.replaceAll('FOLDER', folder));
  const child = spawn(program, args(folder), { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  closing.push(async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  await listening(port, () => {
    if (child.exitCode !== null) throw new Failure(`${program} didn't start:\n${log}`, 'try it by hand, or remove it to measure without');
  });
  return { port, pid: child.pid };
}

async function listening(port, check) {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(50)) {
    check();
    const there = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (there) return;
  }
  throw new Failure(`nobody listens at port ${port}`, 'see whether the machine is busy');
}

function nginxConf(port, origin) {
  return `daemon off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  keepalive_requests 1000000;
  upstream origin { server ${new URL(origin).host}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-User alice;
      proxy_set_header X-Forwarded-Email alice@example.com;
      proxy_set_header X-Forwarded-Name Alice;
    }
  }
}
`;
}

function apacheConf(port, origin, issuer) {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc'];
  const drop = process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : '';
  return `ServerName localhost
PidFile FOLDER/apache.pid
DefaultRuntimeDir FOLDER
ErrorLog FOLDER/error.log
LogLevel warn
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`).join('\n')}
${drop}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret ${SECRET}
OIDCRedirectURI http://localhost:${port}/oidc_redirect
OIDCCryptoPassphrase ${SECRET}
OIDCSessionType client-cookie
OIDCScope "openid email profile"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCAuthNHeader X-Forwarded-User
<Location />
  AuthType openid-connect
  Require valid-user
  ProxyPass ${origin}/ keepalive=On
</Location>
`;
}
