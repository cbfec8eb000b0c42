// An MCP server guarded by the Worker, and a client that has never heard of either: it finds out for itself where to
// register, what to ask for and whom to show the token to (RFC 9728, RFC 8414, RFC 7591, RFC 8707, RFC 9068, RFC 7662).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { request } from './support/http.mjs';
import { KNOWN, McpUser, SCOPE, startGuarded } from './support/mcp.mjs';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** `GET /path 200` for each request of the client; the Worker's without their origin. */
function told({ requests }, { publicUrl, provider }) {
  return requests.map(({ method, url, status }) => `${method} ${url.replace(publicUrl, '').replace(provider.issuer, 'provider').split('?')[0]} ${status}`);
}

for (const { name, format, vars } of [
  { name: 'JWT access tokens', format: 'jwt', vars: { OIDC_ACCESS_TOKENS: 'jwt' } },
  { name: 'introspected access tokens', format: 'opaque', vars: { OIDC_ACCESS_TOKENS: 'introspection', OIDC_RESOURCE_CHECK_AUD: true } },
]) {
  describe(`an MCP server behind the Worker, with ${name}`, () => {
    let stack;
    before(async () => (stack = await startGuarded({ format, vars })));
    after(() => stack?.close());

    test('a client finds its way in, and its user is known to the server', async () => {
      const user = new McpUser(`${stack.publicUrl}/mcp`);
      await assert.rejects(user.connect(), UnauthorizedError);
      assert.equal(stack.server.requests.length, 0);
      await user.authorize();
      const session = await user.connect();
      try {
        assert.deepEqual((await session.tools()).tools.map((tool) => tool.name), ['whoami']);
        const { content: [{ text }] } = await session.call('whoami');
        const headers = JSON.parse(text);
        assert.equal(headers['x-forwarded-user'], 'alice');
        assert.equal(headers['x-forwarded-client-id'], user.clientInformation().client_id);
        assert.equal(headers['x-forwarded-scope'], SCOPE);
        assert.equal(headers.authorization, undefined);
      } finally {
        await session.close();
      }
      assert.equal(user.authorizationUrl.searchParams.get('resource'), `${stack.publicUrl}/mcp`);
      assert.equal(user.authorizationUrl.searchParams.get('scope'), SCOPE);
      // From nothing but a 401, in this order and without a detour.
      assert.deepEqual(told(user, stack).slice(0, 4), [
        'POST /mcp 401',
        `GET ${WELL_KNOWN}/mcp 200`,
        'GET provider/.well-known/oauth-authorization-server 200',
        'POST provider/reg 201',
      ]);
      assert.ok(stack.server.requests.every(({ headers }) => headers.authorization === undefined));
    });

    test('each who signs in is somebody of their own', async () => {
      const [alice, bob] = await Promise.all(['alice', 'bob'].map(async (name) => {
        const user = new McpUser(`${stack.publicUrl}/mcp`, name);
        await assert.rejects(user.connect(), UnauthorizedError);
        await user.authorize();
        const session = await user.connect();
        const { content: [{ text }] } = await session.call('whoami');
        await session.close();
        return JSON.parse(text);
      }));
      assert.deepEqual([alice, bob].map((headers) => headers['x-forwarded-user']), ['alice', 'bob']);
      assert.notEqual(alice['x-forwarded-client-id'], bob['x-forwarded-client-id']);
    });

    test('a client whose token is good for too little asks for more', async () => {
      const user = new McpUser(`${stack.publicUrl}/mcp`);
      user.saveClientInformation({ client_id: KNOWN });
      await assert.rejects(user.connect(), UnauthorizedError);
      user.authorizationUrl.searchParams.set('scope', 'tools:list');
      await user.authorize();
      await assert.rejects(user.connect(), UnauthorizedError);
      assert.equal(user.requests.find(({ status }) => status === 403)?.method, 'POST');
      assert.equal(user.authorizationUrl.searchParams.get('scope'), SCOPE);
      await user.authorize();
      await (await user.connect()).close();
    });

    test('a token for another resource opens nothing', async () => {
      const user = new McpUser(`${stack.publicUrl}/mcp`);
      await assert.rejects(user.connect(), UnauthorizedError);
      user.authorizationUrl.searchParams.set('resource', 'https://other.example/mcp');
      user.validateResourceURL = () => new URL('https://other.example/mcp');
      await user.authorize();
      const before = stack.server.requests.length;
      const { access_token: token } = user.tokens();
      const answer = await request({ port: stack.port, method: 'POST', target: '/mcp', headers: { Authorization: `Bearer ${token}` }, body: '{}' });
      assert.equal(answer.status, 401);
      assert.match(answer.headers['www-authenticate'], /^Bearer .*error="invalid_token"/);
      assert.equal(stack.server.requests.length, before);
    });

    test('what a client needs to know is for every page to read', async () => {
      const ask = (method, headers) => request({ port: stack.port, method, target: `${WELL_KNOWN}/mcp`, headers });
      const preflight = await ask('OPTIONS', { Origin: 'https://client.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'mcp-protocol-version' });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers['access-control-allow-origin'], '*');
      assert.equal(preflight.headers['access-control-allow-headers'], '*');
      const answer = await ask('GET', { Origin: 'https://client.example' });
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.equal(answer.headers['access-control-allow-credentials'], undefined);
      const document = answer.json();
      assert.equal(document.resource, `${stack.publicUrl}/mcp`);
      assert.deepEqual(document.authorization_servers, [stack.provider.issuer]);
      assert.deepEqual(document.scopes_supported, [SCOPE]);
    });

    test('what is nobody’s resource is not found at the server either', async () => {
      for (const target of [`${WELL_KNOWN}/other`, `${WELL_KNOWN}/mcp/`, `${WELL_KNOWN}/MCP`]) {
        assert.notEqual((await request({ port: stack.port, target })).status, 200, target);
      }
      assert.ok(!stack.server.requests.some(({ target }) => target.includes('well-known')));
    });
  });
}
