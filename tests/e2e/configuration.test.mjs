// Settings: contract §2. A misconfigured Worker lets nobody through, and says why in its log alone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { request } from './support/http.mjs';
import { CLIENT_SECRET, SECRET_KEY, startStack } from './support/stack.mjs';

/** Runs `check(stack)` on a stack with these settings. */
async function withStack(options, check) {
  const stack = await startStack(options);
  try {
    await check(stack);
  } finally {
    await stack.close();
  }
}

const PATHS = ['/', '/public/', '/private/', '/oidc_health', '/oidc_login', '/oidc_callback?code=a&state=b', '/oidc_signed_out', '/admin/', '/a/../b'];

const MISCONFIGURED = [
  ['no secret key', { OIDC_SECRET_KEY: undefined }, ['OIDC_SECRET_KEY']],
  ['a short secret key', { OIDC_SECRET_KEY: 'short-and-secret' }, ['OIDC_SECRET_KEY']],
  ['no issuer', { OIDC_ISSUER: undefined }, ['OIDC_ISSUER']],
  ['an issuer over http', { OIDC_ISSUER: 'http://id.example.com' }, ['OIDC_ISSUER']],
  ['no client', { OIDC_CLIENT_ID: undefined }, ['OIDC_CLIENT_ID']],
  ['scopes without openid', { OIDC_SCOPES: 'email profile' }, ['OIDC_SCOPES']],
  ['a name that is nearly right', { OIDC_SCOPE: 'openid' }, ['OIDC_SCOPE', 'OIDC_SCOPES']],
  ['a number that is none', { OIDC_CLOCK_SKEW: 'a lot' }, ['OIDC_CLOCK_SKEW']],
  ['a number too large', { OIDC_CLOCK_SKEW: 601 }, ['OIDC_CLOCK_SKEW']],
  ['a boolean that is none', { OIDC_USER_INFO_ENABLED: 'perhaps' }, ['OIDC_USER_INFO_ENABLED']],
  ['an unknown access', { OIDC_RULES: [{ path: '/*', access: 'anyone' }] }, ['OIDC_RULES']],
  ['an unknown key in a rule', { OIDC_RULES: [{ path: '/*', access: 'login', group: 'x' }] }, ['OIDC_RULES']],
  ['a rule that is never reached', { OIDC_RULES: [{ path: '/*', access: 'login' }, { path: '/public/*', access: 'public' }] }, ['OIDC_RULES']],
  ['scopes on a public rule', { OIDC_RULES: [{ path: '/*', access: 'public', scopes: ['read'] }] }, ['OIDC_RULES']],
  ['rules that are no JSON', { OIDC_RULES: '[{' }, ['OIDC_RULES']],
  ['an origin over http', { OIDC_ORIGIN: 'http://origin.example.com' }, ['OIDC_ORIGIN']],
  ['an extra parameter that is the Worker’s', { OIDC_EXTRA_REQUEST_AUTH_PARAMS: { state: 'x' } }, ['OIDC_EXTRA_REQUEST_AUTH_PARAMS']],
  ['several things at once', { OIDC_CLOCK_SKEW: 'x', OIDC_SCOPES: 'email', OIDC_SECRET_KEY: 'short-and-secret' }, ['OIDC_CLOCK_SKEW', 'OIDC_SCOPES', 'OIDC_SECRET_KEY']],
];

describe('a misconfigured Worker', () => {
  for (const [what, vars, named] of MISCONFIGURED) {
    test(`answers every path with 500: ${what}`, async () => {
      await withStack({ vars }, async (stack) => {
        for (const path of PATHS) {
          const answer = await stack.visitor().navigate(path);
          assert.equal(answer.status, 500, path);
          assert.match(answer.text, /misconfigured/i);
          assert.ok(!answer.text.includes('OIDC_'), 'the page names no setting');
          assert.deepEqual(answer.setCookies, []);
        }
        assert.deepEqual(stack.origin.requests, []);
        for (const name of named) assert.ok(stack.worker.log().includes(name), `the log names ${name}`);
        for (const secret of ['short-and-secret', CLIENT_SECRET, SECRET_KEY]) assert.ok(!stack.worker.log().includes(secret), 'the log has no secret');
      });
    });
  }

  test('is one with OIDC_COOKIE_SECURE=false on a host that isn’t loopback', async () => {
    await withStack({ vars: { OIDC_COOKIE_SECURE: false } }, async (stack) => {
      const foreign = await request({ port: stack.port, target: '/private/', headers: { Host: 'app.example.com', Accept: 'text/html' } });
      assert.equal(foreign.status, 500);
      const visitor = stack.visitor();
      assert.equal((await visitor.signIn('/api/whoami')).json().user, 'alice');
      assert.deepEqual(visitor.sessionCookies, ['oidc_id_token'], 'without Secure there is no __Host- prefix');
    });
  });
});

describe('the same settings', () => {
  test('as text, as the dashboard has them', async () => {
    const vars = {
      OIDC_RULES: JSON.stringify([{ path: '/public/*', access: 'public' }, { path: '/*', access: 'login' }]),
      OIDC_SCOPES: 'openid, email,profile groups',
      OIDC_USER_INFO_ENABLED: 'false',
      OIDC_CLOCK_SKEW: '30',
      OIDC_HEADERS: '{"sub": "X-Who", "email": "X-Mail"}',
    };
    await withStack({ vars }, async (stack) => {
      const visitor = stack.visitor();
      const headers = Object.fromEntries((await visitor.signIn('/echo')).json().headers.map(([name, value]) => [name.toLowerCase(), value]));
      assert.equal(headers['x-who'], 'alice');
      assert.equal(headers['x-mail'], 'alice@example.com');
      assert.equal(headers['x-forwarded-user'], undefined);
      assert.ok(!stack.providerRequests.some(({ target }) => target === '/me'), 'userinfo is off');
    });
  });

  test('as a Flask-OIDC user has them', async () => {
    const vars = { OIDC_ISSUER: undefined, OIDC_CLIENT_ID: undefined, OIDC_CLIENT_SECRET: undefined };
    // The issuer is known only once the provider runs: its address comes first.
    await withStack({}, async (running) => {
      const { issuer } = running.provider;
      const secrets = { web: { client_id: 'edge-oidc-demo', client_secret: CLIENT_SECRET, issuer, auth_uri: `${issuer}/auth`, token_uri: `${issuer}/token`, userinfo_uri: `${issuer}/me` } };
      await withStack({ vars: { ...vars, OIDC_CLIENT_SECRETS: secrets } }, async (stack) => {
        const url = new URL((await stack.visitor().navigate('/private/')).headers.location);
        assert.equal(url.origin, issuer);
        assert.equal(url.searchParams.get('client_id'), 'edge-oidc-demo');
      });
    });
  });
});

describe('settings of sign-in', () => {
  test('OIDC_REQUIRE_VERIFIED_EMAIL turns away who has none', async () => {
    await withStack({ vars: { OIDC_REQUIRE_VERIFIED_EMAIL: true } }, async (stack) => {
      const carol = stack.visitor();
      const page = await carol.signIn('/private/', 'carol');
      assert.equal(page.status, 403);
      assert.deepEqual(carol.sessionCookies, []);
      assert.equal((await stack.visitor().signIn('/api/whoami')).json().user, 'alice');
    });
  });

  test('OIDC_GOOGLE_APPS_DOMAIN is sent, and turns away who isn’t of it', async () => {
    await withStack({ vars: { OIDC_GOOGLE_APPS_DOMAIN: 'example.com' } }, async (stack) => {
      const url = new URL((await stack.visitor().navigate('/private/')).headers.location);
      assert.equal(url.searchParams.get('hd'), 'example.com');
      const visitor = stack.visitor();
      assert.equal((await visitor.signIn()).status, 403);
      assert.deepEqual(visitor.sessionCookies, []);
    });
  });

  test('OIDC_EXTRA_REQUEST_AUTH_PARAMS and OIDC_OPENID_REALM are sent', async () => {
    await withStack({ vars: { OIDC_EXTRA_REQUEST_AUTH_PARAMS: { ui_locales: 'de fr' }, OIDC_OPENID_REALM: 'https://old.example.com/' } }, async (stack) => {
      const url = new URL((await stack.visitor().navigate('/private/')).headers.location);
      assert.equal(url.searchParams.get('ui_locales'), 'de fr');
      assert.equal(url.searchParams.get('openid.realm'), 'https://old.example.com/');
    });
  });

  test('client_secret_post and a public client work too', async () => {
    for (const client of [{ token_endpoint_auth_method: 'client_secret_post' }, { token_endpoint_auth_method: 'none', client_secret: undefined }]) {
      const vars = client.token_endpoint_auth_method === 'none' ? { OIDC_CLIENT_SECRET: undefined } : { OIDC_TOKEN_ENDPOINT_AUTH_METHOD: 'client_secret_post' };
      await withStack({ vars, client }, async (stack) => {
        assert.equal((await stack.visitor().signIn('/api/whoami')).json().user, 'alice');
      });
    }
  });

  test('ES256 ID tokens are taken as well', async () => {
    await withStack({ client: { id_token_signed_response_alg: 'ES256' } }, async (stack) => {
      assert.equal((await stack.visitor().signIn('/api/whoami')).json().user, 'alice');
    });
  });

  test('another callback route, cookie name and lifetime', async () => {
    const vars = { OIDC_CALLBACK_ROUTE: '/auth/back', OIDC_ID_TOKEN_COOKIE_NAME: 'sid', OIDC_ID_TOKEN_COOKIE_TTL: 600 };
    await withStack({ vars }, async (stack) => {
      const url = new URL((await stack.visitor().navigate('/private/')).headers.location);
      assert.equal(url.searchParams.get('redirect_uri'), `${stack.publicUrl}/auth/back`);
      assert.equal((await stack.visitor().navigate('/auth/back')).status, 400);
    });
  });
});

describe('a provider that fails', () => {
  test('a wrong client secret is 502, and no session', async () => {
    await withStack({ vars: { OIDC_CLIENT_SECRET: 'wrong-client-secret' } }, async (stack) => {
      const visitor = stack.visitor();
      const page = await visitor.signIn();
      assert.equal(page.status, 502);
      assert.deepEqual(visitor.sessionCookies, []);
      assert.ok(!page.text.includes('client authentication failed'), 'nothing in the provider’s words');
      assert.match(stack.worker.log(), /token\.invalid_client/);
      assert.ok(!stack.worker.log().includes('wrong-client-secret'));
    });
  });

  test('no provider at all is 502, while public pages go on', async () => {
    await withStack({ vars: { OIDC_ISSUER: 'http://127.0.0.1:9' } }, async (stack) => {
      assert.equal((await stack.visitor().navigate('/private/')).status, 502);
      assert.equal((await stack.visitor().navigate('/public/')).status, 200);
    });
  });

  test('an issuer that calls itself otherwise is 502', async () => {
    await withStack({}, async (running) => {
      await withStack({ vars: { OIDC_ISSUER: `${running.provider.issuer}/` } }, async (stack) => {
        assert.equal((await stack.visitor().navigate('/private/')).status, 502);
      });
    });
  });
});
