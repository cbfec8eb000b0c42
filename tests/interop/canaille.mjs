// Canaille (Python, Flask and Authlib), with SQLite, as pip installs it.

import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../e2e/support/workerd.mjs';
import { ended, isUp } from './support.mjs';

const PASSWORD = 'a-password-for-tests-only';

/** Whether it can be started here. */
export const program = process.env.EDGE_OIDC_CANAILLE;

export async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'canaille-'));
  const port = await freePort();
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const members = Object.entries({ ...key, kid: 'interop' }).map(([name, value]) => `${name} = "${value}"`);
  writeFileSync(join(folder, 'config.toml'), `
SECRET_KEY = "a-key-for-tests-only"
SERVER_NAME = "localhost:${port}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
DATABASE = "sql"
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///${folder}/db.sqlite"
[CANAILLE_OIDC]
DYNAMIC_CLIENT_REGISTRATION_OPEN = true
ACTIVE_JWKS = [{ ${members.join(', ')} }]
`);
  const env = { ...process.env, CANAILLE_CONFIG: join(folder, 'config.toml') };
  const run = (...args) => execFileSync(program, args, { cwd: folder, env, stdio: 'ignore' });
  run('install');
  run('create', 'user', '--user-name', 'alice', '--password', PASSWORD, '--emails', 'alice@example.com', '--family-name', 'Adams', '--given-name', 'Alice');
  const child = spawn(program, ['run', '--bind', `127.0.0.1:${port}`], { cwd: folder, env, stdio: 'ignore' });
  const issuer = `http://localhost:${port}`;
  await isUp(`${issuer}/.well-known/openid-configuration`, child);
  return {
    issuer,
    subject: 'alice',
    scopes: ['openid', 'email', 'profile'],
    /** Signs a visitor in where `target` leads, and resolves to the page it ends at. */
    async signIn(visitor, target) {
      let page = await visitor.open(target);
      for (let steps = 0; page.url.startsWith(issuer) && steps < 5; steps += 1) {
        const asks = (name) => page.text.includes(`name="${name}"`);
        const fields = asks('password') ? { password: PASSWORD } : asks('login') ? { login: 'alice' } : { answer: 'accept' };
        page = await visitor.submit(page, fields);
      }
      return page;
    },
    async close() {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
