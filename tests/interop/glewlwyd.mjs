// Glewlwyd (C), with SQLite, as Debian packages it.

import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../e2e/support/workerd.mjs';
import { ended, isUp } from './support.mjs';

const CLIENT = { id: 'interop', secret: 'a-secret-for-tests-only' };
const PASSWORD = 'a-password-for-tests-only';
const SCHEMA = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz';
const CONFIG = '/etc/glewlwyd/glewlwyd.conf';

/** Whether it can be started here. */
export const program = [SCHEMA, CONFIG, '/usr/bin/glewlwyd', '/usr/bin/sqlite3'].every((path) => existsSync(path)) && '/usr/bin/glewlwyd';

export async function start({ redirectUri }) {
  const folder = mkdtempSync(join(tmpdir(), 'glewlwyd-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  execFileSync('sqlite3', [join(folder, 'db')], { input: gunzipSync(readFileSync(SCHEMA)) });
  writeFileSync(join(folder, 'config'), readFileSync(CONFIG, 'utf8')
    .replace(/^port=.*$/m, `port=${port}`)
    .replace(/^external_url=.*$/m, `external_url="${url}"`)
    .replace(/^log_mode=.*$/m, 'log_mode="console"')
    .replace(/^@include .*glewlwyd-db.conf"$/m, `database = { type = "sqlite3" path = "${folder}/db" }`));
  const child = spawn(program, [`--config-file=${folder}/config`], { stdio: 'ignore' });
  await isUp(`${url}/config/`, child);
  const admin = new Session(url);
  await admin.ask('POST', '/api/auth/', { username: 'admin', password: 'password' });
  await admin.ask('POST', '/api/mod/plugin/', { module: 'oidc', name: 'oidc', display_name: 'oidc', parameters: parametersOf(`${url}/api/oidc`) });
  await admin.ask('POST', '/api/user/', { username: 'alice', name: 'Alice Adams', email: 'alice@example.com', scope: ['openid', 'g_profile'], password: PASSWORD, enabled: true });
  await admin.ask('POST', '/api/client/', {
    client_id: CLIENT.id, name: 'interop', scope: [], redirect_uri: [redirectUri], authorization_type: ['code', 'refresh_token'], confidential: true, client_secret: CLIENT.secret, enabled: true, token_endpoint_auth_method: ['client_secret_basic'],
  });
  return {
    issuer: `${url}/api/oidc`,
    client: CLIENT,
    scopes: ['openid'],
    /** Its login page is a program: this asks what that asks. */
    async signIn(visitor, target) {
      const login = await visitor.open(target, { until: (next) => next.includes('/login.html') });
      const alice = new Session(url);
      await alice.ask('POST', '/api/auth/', { username: 'alice', password: PASSWORD });
      await alice.ask('PUT', `/api/auth/grant/${CLIENT.id}`, { scope: 'openid' });
      visitor.keep('localhost', [alice.cookie]);
      return visitor.open(`${new URL(login.next).searchParams.get('callback_url')}&g_continue`);
    },
    async close() {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody at its API. */
class Session {
  constructor(url) {
    this.url = url;
    this.cookie = '';
  }

  async ask(method, path, body) {
    const headers = { 'Content-Type': 'application/json', Cookie: this.cookie.split(';')[0] };
    const answer = await fetch(`${this.url}${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`glewlwyd: ${method} ${path}: ${answer.status} ${await answer.text()}`);
    this.cookie = answer.headers.get('set-cookie') ?? this.cookie;
  }
}

function parametersOf(issuer) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    iss: issuer,
    'jwt-type': 'rsa',
    'jwt-key-size': '256',
    key: privateKey.export({ type: 'pkcs1', format: 'pem' }),
    cert: publicKey.export({ type: 'spki', format: 'pem' }),
    'jwks-show': true,
    'default-kid': 'interop',
    'access-token-duration': 3600,
    'refresh-token-duration': 1209600,
    'code-duration': 600,
    'refresh-token-rolling': true,
    'auth-type-code-enabled': true,
    'auth-type-refresh-enabled': true,
    'pkce-allowed': true,
    'introspection-revocation-allowed': true,
    'introspection-revocation-allow-target-client': true,
    'subject-type': 'public',
    'email-claim': 'mandatory',
    'name-claim': 'mandatory',
    'allowed-scope': ['openid'],
    'secret-type': 'pairwise',
  };
}
