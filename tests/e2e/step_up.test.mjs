// Signing in once more, because a rule asks for a stronger or a fresher sign-in: contract §4.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { marker, startStack } from './support/stack.mjs';

const RULES = [
  { path: '/public/*', access: 'public' },
  { path: '/echo/strong', access: 'login', acr_values: ['strong', 'stronger'] },
  { path: '/echo/fresh', access: 'login', max_age: 5 },
  { path: '/*', access: 'login' },
];

let stack;
before(async () => {
  stack = await startStack({ vars: { OIDC_RULES: RULES } });
});
after(() => stack?.close());

/** The authorization requests with a parameter of that name, since the last time this was asked. */
let seen = 0;
function asked(name) {
  const fresh = stack.providerRequests.slice(seen).map(({ target }) => new URL(target, 'http://provider'));
  seen = stack.providerRequests.length;
  return fresh.filter(({ pathname }) => pathname === '/auth').map(({ searchParams }) => searchParams.get(name));
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a stronger sign-in', () => {
  test('is asked for once, and then opens the page', async () => {
    const alice = stack.visitor();
    await alice.signIn('/private/');
    asked('acr_values');
    const mark = marker();
    const page = await alice.signIn(`/echo/strong?${mark}`);
    assert.equal(page.status, 200);
    assert.equal(page.json().target, `/echo/strong?${mark}`);
    assert.deepEqual(asked('acr_values'), ['strong stronger']);
    assert.equal((await alice.navigate('/echo/strong')).status, 200);
    assert.equal((await alice.navigate('/private/')).status, 200);
  });

  test('that the provider does not give is 403, and the session stays', async () => {
    const bob = stack.visitor();
    await bob.signIn('/private/', 'bob');
    asked('acr_values');
    const mark = marker();
    const page = await bob.signIn(`/echo/strong?${mark}`, 'bob');
    assert.equal(page.status, 403);
    assert.match(page.text, /stronger or a fresh sign-in/);
    assert.deepEqual(asked('acr_values'), ['strong stronger'], 'no second round');
    assert.ok(!stack.origin.requests.some(({ target }) => target.includes(mark)));
    assert.equal((await bob.fetch('/api/whoami')).json().user, 'bob');
  });

  test('is what who is not signed in at all is sent for', async () => {
    asked('acr_values');
    assert.equal((await stack.visitor().signIn('/echo/strong')).status, 200);
    assert.deepEqual(asked('acr_values'), ['strong stronger']);
  });

  test('is told to a script with the way there', async () => {
    const alice = stack.visitor();
    await alice.signIn('/private/');
    const answer = await alice.fetch('/echo/strong?a');
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.json(), { error: 'insufficient_user_authentication', login_url: '/oidc_login?next=%2Fecho%2Fstrong%3Fa' });
    assert.equal((await alice.signIn(answer.json().login_url)).status, 200);
    assert.equal((await alice.fetch('/echo/strong?a')).status, 200);
  });
});

test('a fresh sign-in is asked for when the last one has grown old', async () => {
  const alice = stack.visitor();
  await alice.signIn('/private/');
  asked('max_age');
  // The provider has just signed her in: it need not ask her again.
  assert.equal((await alice.open('/echo/fresh')).status, 200);
  assert.deepEqual(asked('max_age'), ['5']);
  await wait(7000);
  const page = await alice.signIn('/echo/fresh');
  assert.equal(page.status, 200, 'after the form of the provider');
  assert.equal((await alice.navigate('/private/')).status, 200);
});
