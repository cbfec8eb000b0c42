// Access tokens in front of an API: contract §2, §4, §5, with oidc-provider as the authorization server.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startCache } from './support/cache.mjs';
import { rawRequest, request } from './support/http.mjs';
import { marker, startStack } from './support/stack.mjs';

const AUDIENCE = 'https://api.example';
const METADATA = '/.well-known/oauth-protected-resource';

const RULES = [
  { path: '/api/write', access: 'token', scopes: ['read', 'write'] },
  { path: '/api/*', access: 'token', scopes: ['read'] },
  { path: '/echo', access: 'token' },
  { path: '/private/', access: 'login_or_token' },
];

/** A client of the API, and tokens for it of one kind or the other. */
function configure(format) {
  return (configuration) => {
    configuration.clients.push(
      { client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post', scope: 'read write' },
    );
    configuration.scopes = ['openid', 'offline_access', 'read', 'write'];
    Object.assign(configuration.features, {
      clientCredentials: { enabled: true },
      jwtIntrospection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'read write', audience: AUDIENCE, accessTokenFormat: format, jwt: { sign: { alg: 'ES256' } } }),
      },
    });
  };
}

async function tokenOf(stack, { scope = 'read' } = {}) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'robot', client_secret: 'robot-secret', scope, resource: AUDIENCE });
  const answer = await fetch(`${stack.provider.issuer}/token`, { method: 'POST', body });
  const tokens = await answer.json();
  assert.equal(tokens.token_type, 'Bearer', JSON.stringify(tokens));
  return tokens.access_token;
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const asked = (stack, path) => stack.providerRequests.filter(({ target }) => target.startsWith(path)).length;

for (const format of ['opaque', 'jwt']) {
  describe(`${format} tokens`, () => {
    let stack;
    before(async () => {
      stack = await startStack({
        vars: { OIDC_RULES: RULES, OIDC_AUDIENCE: AUDIENCE, OIDC_ACCESS_TOKENS: format === 'jwt' ? 'jwt' : 'auto', OIDC_PASS_TOKEN_INFO: true, OIDC_BEARER_LOCATIONS: ['header', 'form', 'query'] },
        provider: { configure: configure(format) },
      });
    });
    after(() => stack?.close());
    const send = (target, headers, more = {}) => request({ port: stack.port, target, headers, ...more });

    test('the origin is told who calls, and not with what', async () => {
      const token = await tokenOf(stack, { scope: 'read write' });
      const answer = await send('/echo?a=%2F', { ...bearer(token), 'X-Forwarded-Scope': 'admin', 'X_Forwarded_Client_Id': 'root' });
      assert.equal(answer.status, 200, answer.text);
      const echoed = answer.json();
      const header = (name) => echoed.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
      assert.deepEqual(header('x-forwarded-client-id'), ['robot']);
      assert.deepEqual(header('x-forwarded-scope')[0].split(' ').sort(), ['read', 'write']);
      assert.deepEqual(header('authorization'), []);
      assert.ok(!answer.text.includes(token));
      const info = JSON.parse(Buffer.from(header('x-forwarded-token-info')[0], 'base64url'));
      assert.equal(info.client_id, 'robot');
      assert.match(answer.headers['cache-control'], /^private/);
    });

    test('a second request asks nobody', async () => {
      const token = await tokenOf(stack);
      assert.equal((await send('/api/whoami', bearer(token))).status, 200);
      const before = stack.providerRequests.length;
      for (let n = 0; n < 5; n += 1) assert.equal((await send('/api/whoami', bearer(token))).status, 200);
      assert.equal(stack.providerRequests.length, before);
      if (format === 'jwt') assert.equal(asked(stack, '/token/introspection'), 0);
    });

    test('a form that brings the token reaches the origin byte for byte', async () => {
      const token = await tokenOf(stack);
      const body = `a=1&b=%20+&access_token=${encodeURIComponent(token)}&c=${'x'.repeat(20_000)}`;
      const answer = await send('/echo', { 'Content-Type': 'application/x-www-form-urlencoded' }, { method: 'POST', body });
      assert.equal(answer.status, 200, answer.text);
      const { length, sha256 } = answer.json().body;
      assert.deepEqual([length, sha256], [body.length, createHash('sha256').update(body).digest('hex')]);
    });

    test('a long form passes with the token in the header, and not without', async () => {
      const token = await tokenOf(stack);
      const body = `a=${'x'.repeat(300_000)}`;
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const answer = await send('/echo', { ...type, ...bearer(token) }, { method: 'POST', body });
      assert.deepEqual([answer.status, answer.json().body.length], [200, body.length]);
      assert.equal((await send('/echo', type, { method: 'POST', body })).status, 413);
    });

    test('a token in the query stays here', async () => {
      const token = await tokenOf(stack);
      const mark = marker();
      const answer = await send(`/echo?m=${mark}&access_token=${encodeURIComponent(token)}&z=1`);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(stack.origin.requests.some(({ target }) => target === `/echo?m=${mark}&z=1`));
    });

    test('what is wrong is said', async () => {
      const answer = await send('/api/whoami');
      assert.equal(answer.status, 401);
      const metadata = `${stack.publicUrl}${METADATA}/api`;
      assert.equal(answer.headers['www-authenticate'], `Bearer realm="${stack.publicUrl}", scope="read", resource_metadata="${metadata}"`);
      assert.deepEqual(answer.json(), { error: 'invalid_token', error_description: 'Token required but invalid' });
      assert.equal(answer.headers['cache-control'], 'no-store');

      const bad = await send('/api/whoami', bearer('made-up'));
      assert.equal(bad.status, 401);
      assert.match(bad.headers['www-authenticate'], /error="invalid_token"/);

      const short = await send('/api/write', bearer(await tokenOf(stack)));
      assert.equal(short.status, 403);
      assert.match(short.headers['www-authenticate'], /error="insufficient_scope".*scope="read write"/);
      assert.equal(short.json().error_description, 'Token does not have required scopes');
    });

    test('two Authorization headers are too many', async () => {
      const token = await tokenOf(stack);
      for (const lines of [[`Bearer ${token}`, `Bearer ${token}`], ['Basic YTpi', `Bearer ${token}`], ['Basic YTpi', 'Basic YTpi']]) {
        const headers = lines.map((line) => `Authorization: ${line}\r\n`).join('');
        const answer = await rawRequest(stack.port, `GET /echo HTTP/1.1\r\nHost: localhost:${stack.port}\r\nConnection: close\r\n${headers}\r\n`);
        assert.equal(answer.status, 400, answer.head);
        assert.match(answer.head, /error="invalid_request"/);
      }
    });

    test('an ID token opens no API', async () => {
      const visitor = stack.visitor();
      let idToken;
      stack.provider.provider.once('grant.success', (context) => (idToken = context.body.id_token));
      await visitor.signIn('/private/');
      assert.match(idToken, /^ey.*\..*\./);
      assert.equal((await send('/echo', bearer(idToken))).status, 401);
    });

    test('a browser signs in where a client is challenged', async () => {
      const visitor = stack.visitor();
      assert.equal((await visitor.navigate('/private/')).status, 302);
      const client = await send('/private/');
      assert.equal(client.status, 401);
      assert.match(client.headers['www-authenticate'], /^Bearer realm=/);
      assert.equal((await send('/private/', bearer(await tokenOf(stack)))).status, 200);
    });

    test('the resource tells clients where to go', async () => {
      for (const [path, scopes] of [['', ['read', 'write']], ['/api', ['read']], ['/api/write', ['read', 'write']]]) {
        const answer = await send(`${METADATA}${path}`);
        assert.equal(answer.status, 200, path);
        const { resource, authorization_servers, scopes_supported, bearer_methods_supported } = answer.json();
        assert.deepEqual([resource, authorization_servers], [`${stack.publicUrl}${path}`, [stack.provider.issuer]]);
        assert.deepEqual([scopes_supported.sort(), bearer_methods_supported], [scopes, ['header', 'body', 'query']]);
      }
      assert.equal((await send(`${METADATA}/nothing`)).status, 401);
    });
  });
}

describe('a provider that is down', () => {
  test('admits nobody, and says when to come back', async () => {
    const stack = await startStack({ vars: { OIDC_RULES: RULES }, provider: { configure: configure('opaque') } });
    try {
      const token = await tokenOf(stack);
      stack.provider.down = true;
      const answer = await request({ port: stack.port, target: '/echo', headers: bearer(token) });
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '10']);
      stack.provider.down = false;
      assert.equal((await request({ port: stack.port, target: '/echo', headers: bearer(token) })).status, 200);
    } finally {
      await stack.close();
    }
  });
});

describe('a flood of made-up tokens', () => {
  test('does not reach the provider', async () => {
    const stack = await startStack({ vars: { OIDC_RULES: RULES }, provider: { configure: configure('opaque') }, rateLimit: 5 });
    try {
      const statuses = [];
      for (let n = 0; n < 20; n += 1) statuses.push((await request({ port: stack.port, target: '/echo', headers: bearer(`random-${n}`) })).status);
      assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(15).fill(429)]);
      assert.equal(asked(stack, '/token/introspection'), 5);
    } finally {
      await stack.close();
    }
  });
});

describe('a resource server alone', () => {
  test('has neither sign-in nor cookies, and needs no store and no key', async () => {
    const stack = await startStack({
      vars: { OIDC_RULES: [{ path: '/public/*', access: 'public' }], OIDC_RESOURCE_SERVER_ONLY: true, OIDC_SECRET_KEY: undefined, OIDC_INTROSPECTION_AUTH_METHOD: 'client_secret_basic' },
      provider: { configure: configure('opaque') },
    });
    try {
      const get = (target, headers) => request({ port: stack.port, target, headers });
      for (const [target, status] of [['/oidc_login', 404], ['/oidc_health', 200], ['/public/', 200], ['/echo', 401]]) {
        const answer = await get(target, { Accept: 'text/html' });
        assert.deepEqual([answer.status, answer.setCookies], [status, []], target);
      }
      assert.equal((await get('/echo', bearer(await tokenOf(stack)))).status, 200);
    } finally {
      await stack.close();
    }
  });
});

describe('a signed answer', () => {
  test('is verified', async () => {
    let type;
    const stack = await startStack({
      vars: { OIDC_RULES: RULES },
      client: { introspection_signed_response_alg: 'ES256' },
      provider: {
        configure: configure('opaque'),
        onRequest: (incoming, outgoing) => {
          if (incoming.url !== '/token/introspection') return;
          // It signs for those who ask for it.
          incoming.headers.accept = 'application/token-introspection+jwt';
          outgoing.on('finish', () => (type = outgoing.getHeader('content-type')));
        },
      },
    });
    try {
      const answer = await request({ port: stack.port, target: '/echo', headers: bearer(await tokenOf(stack)) });
      assert.equal(answer.status, 200, answer.text);
      assert.match(type, /^application\/token-introspection\+jwt/);
    } finally {
      await stack.close();
    }
  });
});

describe('the cache of the location', () => {
  let stack;
  let cache;
  before(async () => {
    cache = await startCache();
    stack = await startStack({
      twin: true,
      cache: cache.address,
      vars: { OIDC_RULES: RULES, OIDC_AUDIENCE: AUDIENCE, OIDC_INTROSPECTION_CACHE: 'location' },
      provider: { configure: configure('opaque') },
    });
  });
  after(() => Promise.all([stack?.close(), cache?.close()]));
  const status = async (port, token) => (await request({ port, target: '/api/whoami', headers: { Host: `localhost:${stack.port}`, ...bearer(token) } })).status;
  const twice = async (token) => [await status(stack.port, token), await status(stack.worker.twinPort, token)];

  test('saves another isolate the question', async () => {
    const [token, before] = [await tokenOf(stack), asked(stack, '/token/introspection')];
    assert.deepEqual(await twice(token), [200, 200]);
    assert.equal(asked(stack, '/token/introspection'), before + 1);
    assert.deepEqual(await twice('no-token-at-all'), [401, 401]);
    assert.equal(asked(stack, '/token/introspection'), before + 2);
    const held = [...cache.entries].map(([key, entry]) => `${key}${entry.toString('latin1')}`);
    assert.ok(held.length === 2 && held.every((entry) => /^edge-oidc /.test(entry) && /Cache-Control: max-age=\d+\r/.test(entry)));
    assert.ok(held.every((entry) => !entry.includes(token) && !entry.includes('robot')), 'and tells nothing');
  });

  test('is no site of its own: nobody can ask for what it holds', async () => {
    await twice(await tokenOf(stack));
    const target = [...cache.entries.keys()].at(-1).replace(/^[^/]*/, '');
    const answer = await request({ port: stack.port, target, headers: { Host: `localhost:${stack.port}` } });
    assert.equal(answer.status, 401, 'a path like any other');
  });

  for (const behaviour of ['failing', 'hanging']) {
    test(`costs nobody anything when it is ${behaviour}`, async () => {
      const [token, before] = [await tokenOf(stack), asked(stack, '/token/introspection')];
      cache.behaviour = behaviour;
      try {
        assert.deepEqual(await twice(token), [200, 200]);
      } finally {
        cache.behaviour = 'ok';
      }
      assert.equal(asked(stack, '/token/introspection'), before + 2);
    });
  }
});
