// Signing out: contract §3, OpenID Connect RP-Initiated Logout 1.0.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startStack } from './support/stack.mjs';

let stack;
before(async () => (stack = await startStack()));
after(() => stack?.close());

const SAME_ORIGIN = { 'Sec-Fetch-Site': 'same-origin' };
const CROSS_SITE = { 'Sec-Fetch-Site': 'cross-site', Referer: 'https://evil.example/' };

/** A visitor who is signed in. */
async function signedIn() {
  const visitor = stack.visitor();
  await visitor.signIn();
  assert.notDeepEqual(visitor.sessionCookies, []);
  return visitor;
}

const isSignedIn = async (visitor) => (await visitor.fetch('/api/whoami')).status === 200;

describe('signing out', () => {
  test('ends the session here and sends the visitor to end it at the provider', async () => {
    const visitor = await signedIn();
    const answer = await visitor.navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual(visitor.sessionCookies, [], 'the cookie is deleted');
    const url = new URL(answer.headers.location);
    assert.equal(url.origin + url.pathname, `${stack.provider.issuer}/session/end`);
    assert.equal(url.searchParams.get('post_logout_redirect_uri'), `${stack.publicUrl}/oidc_signed_out`);
    const claims = JSON.parse(Buffer.from(url.searchParams.get('id_token_hint').split('.')[1], 'base64url'));
    assert.equal(claims.sub, 'alice');
    assert.ok(!(await isSignedIn(visitor)));
  });

  test('ends at a page that asks nobody to sign in', async () => {
    const visitor = await signedIn();
    const confirm = await visitor.open('/oidc_logout', { headers: SAME_ORIGIN });
    const page = await visitor.submit(confirm, { logout: 'yes' });
    assert.equal(page.status, 200);
    assert.equal(new URL(page.url).pathname, '/oidc_signed_out');
    assert.match(page.headers['content-type'], /text\/html/);
    assert.match(page.text, /href="/, 'with a way back in');
    const again = await visitor.open('/private/');
    assert.match(again.text, /type="password"/, 'the provider has forgotten the visitor too');
  });

  test('follows next on return, inside the site only', async () => {
    for (const [next, expected] of [['/public/?a=1', '/public/?a=1'], ['https://evil.example/', undefined], ['//evil.example', undefined]]) {
      const visitor = await signedIn();
      const first = await visitor.navigate(`/oidc_logout?next=${encodeURIComponent(next)}`, { headers: SAME_ORIGIN });
      if (first.status === 400) continue;
      assert.equal(new URL(first.headers.location).searchParams.get('post_logout_redirect_uri'), `${stack.publicUrl}/oidc_signed_out`, 'always the registered one');
      const confirm = await visitor.open(first.headers.location);
      const page = await visitor.submit(confirm, { logout: 'yes' });
      assert.ok(page.url.startsWith(`${stack.publicUrl}/`));
      if (expected) assert.equal(page.url, `${stack.publicUrl}${expected}`);
    }
  });

  test('a state that nobody has sealed is not followed', async () => {
    for (const state of ['/private/', 'https://evil.example/', 'x'.repeat(500)]) {
      const answer = await stack.visitor().navigate(`/oidc_signed_out?state=${encodeURIComponent(state)}`);
      assert.equal(answer.headers.location, undefined);
      assert.ok(answer.status < 500);
    }
  });

  test('works by POST from the site’s own form', async () => {
    const visitor = await signedIn();
    const answer = await visitor.navigate('/oidc_logout', { method: 'POST', headers: { ...SAME_ORIGIN, Origin: stack.publicUrl } });
    assert.ok([302, 303].includes(answer.status));
    assert.ok(!(await isSignedIn(visitor)));
  });

  test('without a session is no error', async () => {
    const answer = await stack.visitor().navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.ok([200, 302, 303].includes(answer.status));
    const page = await stack.visitor().navigate('/oidc_signed_out');
    assert.equal(page.status, 200);
    assert.deepEqual(page.setCookies, []);
  });

  test('goes on in other browsers of the same visitor', async () => {
    const [laptop, phone] = [await signedIn(), await signedIn()];
    await laptop.navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.ok(await isSignedIn(phone));
  });
});

describe('another site', () => {
  test('can’t sign a visitor out by a link', async () => {
    const visitor = await signedIn();
    const page = await visitor.navigate('/oidc_logout', { headers: CROSS_SITE });
    assert.equal(page.status, 200);
    assert.match(page.text, /<form/, 'a page that asks');
    assert.ok(await isSignedIn(visitor));
  });

  test('nor by an image', async () => {
    const visitor = await signedIn();
    await visitor.send('/oidc_logout', { headers: { ...CROSS_SITE, Accept: 'image/*', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' } });
    assert.ok(await isSignedIn(visitor));
  });

  test('nor by a form', async () => {
    for (const headers of [{ ...CROSS_SITE, Origin: 'https://evil.example' }, { Origin: 'https://evil.example' }, { Origin: 'null' }]) {
      const visitor = await signedIn();
      const answer = await visitor.navigate('/oidc_logout', { method: 'POST', headers });
      assert.ok(answer.status < 500);
      assert.ok(await isSignedIn(visitor), JSON.stringify(headers));
    }
  });
});
