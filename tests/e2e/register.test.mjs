// `oidc-register` against a real provider: the client it registers signs in, is changed, and is gone.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startOrigin } from '../../demo/origin.mjs';
import { startProvider } from '../../demo/provider.mjs';
import { startKv } from './support/kv.mjs';
import { program as compiled, run } from './support/program.mjs';
import { SECRET_KEY, marker } from './support/stack.mjs';
import { Visitor } from './support/visitor.mjs';
import { freePort, startWorker } from './support/workerd.mjs';

describe('oidc-register', { timeout: 600_000 }, () => {
  let program;
  let folder;
  let file;

  before(async () => {
    program = await compiled('oidc-register');
  }, { timeout: 600_000 });

  beforeEach(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
    folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
    file = join(folder, 'client_secrets.json');
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const register = (args, env) => run(program, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
  const secrets = () => JSON.parse(readFileSync(file, 'utf8')).web;
  const done = ({ code, stdout, stderr }, line) => assert.deepEqual([code, stdout], [0, `${line}\n`], stderr);

  for (const method of ['client_secret_post', 'client_secret_basic', 'none']) {
    test(`a client registered for ${method} signs in and out`, async () => {
      const started = [];
      const begin = async (starting) => {
        started.push(await starting);
        return started.at(-1);
      };
      try {
        const port = await freePort();
        const site = `http://localhost:${port}`;
        const provider = await begin(startProvider({ registration: true }));
        const origin = await begin(startOrigin());
        const kv = await begin(startKv());
        done(await register([provider.issuer, `${site}/`, '--auth-method', method]), 'Client information file written');
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.equal(secrets().token_endpoint_auth_method, method);

        await begin(startWorker({
          port,
          kv: kv.address,
          vars: {
            OIDC_CLIENT_SECRETS: readFileSync(file, 'utf8'),
            OIDC_SECRET_KEY: SECRET_KEY,
            OIDC_ORIGIN: origin.url,
          },
        }));
        const visitor = new Visitor(site);
        const page = await visitor.signIn('/private/');
        assert.equal(page.status, 200, page.text);
        assert.equal(page.url, `${site}/private/`);

        // The page after signing out is registered, too: the provider sends the visitor back to it.
        const question = await visitor.open('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
        assert.ok(question.url.startsWith(provider.issuer), question.url);
        const end = await visitor.submit(question, { logout: 'yes' });
        assert.equal(end.url.split('?')[0], `${site}/oidc_signed_out`, end.text);
        assert.deepEqual(visitor.sessionCookies, []);
      } finally {
        await Promise.all(started.map((part) => part.close()));
      }
    });
  }

  /** What the provider says to an authorization request of the client: a status, and where it leads. */
  async function authorize({ issuer }, client, redirectUri) {
    const challenge = marker().padEnd(43, 'x');
    const query = new URLSearchParams({
      response_type: 'code', client_id: client, redirect_uri: redirectUri, scope: 'openid', state: marker(), nonce: marker(), code_challenge: challenge, code_challenge_method: 'S256',
    });
    const answer = await fetch(`${issuer}/auth?${query}`, { redirect: 'manual' });
    return { status: answer.status, location: answer.headers.get('location') ?? '', text: await answer.text() };
  }

  test('a registration is read, changed, and ended', async () => {
    const provider = await startProvider({ registration: true });
    try {
      const options = ['--client-name', 'The old site', '--backchannel-logout'];
      done(await register([provider.issuer, 'https://old.example', ...options]), 'Client information file written');
      const first = secrets();
      const accepted = await authorize(provider, first.client_id, 'https://old.example/oidc_callback');
      assert.match(accepted.location, /\/interaction\//);

      const read = await register(['--read']);
      assert.equal(read.code, 0, read.stderr);
      const shown = JSON.parse(read.stdout);
      assert.equal(shown.client_id, first.client_id);
      assert.equal(shown.client_name, 'The old site');
      assert.equal(shown.backchannel_logout_uri, 'https://old.example/oidc_backchannel_logout');
      assert.ok(!read.stdout.includes(first.client_secret) && !read.stdout.includes(first.registration_access_token));

      done(await register(['--update', 'https://new.example', '--client-name', 'The new site']), 'Client registration updated');
      const second = secrets();
      assert.deepEqual(second.redirect_uris, ['https://new.example/oidc_callback']);
      assert.notEqual(second.registration_access_token, first.registration_access_token);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const { client_name: name, post_logout_redirect_uris: ends } = JSON.parse((await register(['--read'])).stdout);
      assert.deepEqual([name, ends], ['The new site', ['https://new.example/oidc_signed_out']]);
      assert.match((await authorize(provider, first.client_id, 'https://new.example/oidc_callback')).location, /\/interaction\//);
      assert.equal((await authorize(provider, first.client_id, 'https://old.example/oidc_callback')).status, 400);

      done(await register(['--delete', '--debug']), 'Client registration deleted');
      assert.ok(!existsSync(file));
      assert.equal((await authorize(provider, first.client_id, 'https://new.example/oidc_callback')).status, 400);
    } finally {
      await provider.close();
    }
  });

  test('a provider that asks for an initial access token', async () => {
    const token = marker();
    const provider = await startProvider({ registration: { initialAccessToken: token } });
    try {
      const line = [provider.issuer, 'https://site.example', '--debug'];
      const refused = await register(line);
      assert.deepEqual([refused.code, refused.stdout], [1, 'Error registering client\n']);
      assert.match(refused.stderr, /Error occured during registration: \w+/);
      assert.match(refused.stderr, /next: {2}.*OIDC_INITIAL_ACCESS_TOKEN/);
      assert.ok(!existsSync(file));
      const taken = await register(line, { OIDC_INITIAL_ACCESS_TOKEN: token });
      done(taken, 'Client information file written');
      for (const secret of [token, secrets().client_secret, secrets().registration_access_token]) assert.ok(!taken.stderr.includes(secret));
    } finally {
      await provider.close();
    }
  });

  test('a provider without registration, and one that refuses', async () => {
    const closed = await startProvider();
    const open = await startProvider({ registration: true });
    try {
      const without = await register([closed.issuer, 'https://site.example']);
      assert.deepEqual([without.code, without.stdout], [1, 'Error registering client\n']);
      assert.match(without.stderr, /no registration_endpoint\nnext: {2}register by hand/);
      const refused = await register([open.issuer, 'https://site.example', '--client-name', '']);
      assert.deepEqual([refused.code, refused.stdout], [1, 'Error registering client\n']);
      assert.match(refused.stderr, /^Error occured during registration: invalid_client_metadata \(client_name .*\)\n/);
      assert.ok(!existsSync(file));
    } finally {
      await Promise.all([closed.close(), open.close()]);
    }
  });
});
