// What requests cost, in what can be counted, in the built Worker: the same on every machine and under every load.
//
// A number that grows is something that each request or each sign-in pays for. Make it cheaper, or raise the number here
// with the reason in the commit.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { countingWorker, countsOf, total } from './support/counting.mjs';
import { request } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

/**
 * Calls from JavaScript into WebAssembly and out of it, for one signed-in request that needs no new cookie. Into it: that
 * there is an instance, room for the text, the decision, and the end of what it gave.
 */
const INTO = 4;
const OUT_OF = 6;
const REQUESTS = 20;
/** With Durable Objects each wakes an object of its own, which takes the test's time and not much else. */
const FRAMES = { kv: 10_000, durable: 2000, memory: 10_000 };

/**
 * What a sign-in asks of each store, from the first redirect to the session. One write is for the frames of a front-channel
 * logout, which a provider that says that it loads none is spared.
 */
const STORES = {
  kv: { get: 1, put: 2 },
  durable: { load: 1, save: 2, join: 1 },
  memory: {},
};
const WITHOUT_FRAMES = { get: 1, put: 1 };
const frames = (said) => ({ configure: (configuration) => (configuration.discovery = { frontchannel_logout_supported: said }) });

let counting;
before(() => (counting = countingWorker()));
after(() => counting?.remove());

const start = (options) => startStack({ ...options, build: counting.build, modules: counting.modules });

test(`a signed-in request crosses into WebAssembly ${INTO} times, and out of it ${OUT_OF} times`, async (t) => {
  const stack = await start({});
  t.after(() => stack.close());
  const visitor = stack.visitor();
  await visitor.signIn('/private/');
  await visitor.navigate('/private/');
  await countsOf(stack.port);
  for (let n = 0; n < REQUESTS; n += 1) assert.equal((await visitor.navigate(`/private/?n=${n}`)).status, 200);
  const { imports, exports, fetches, store } = await countsOf(stack.port);
  assert.deepEqual([fetches, store], [{ '/private/': REQUESTS }, {}], 'the origin is asked, and nobody else');
  assert.ok(total(exports) > 0, 'calls are counted');
  assert.ok(total(exports) <= INTO * REQUESTS, `into WebAssembly, in ${REQUESTS} requests: ${JSON.stringify(exports)}`);
  assert.ok(total(imports) <= OUT_OF * REQUESTS, `out of WebAssembly, in ${REQUESTS} requests: ${JSON.stringify(imports)}`);
});

for (const [kind, operations] of Object.entries(STORES)) {
  describe(`a sign-in with ${kind}`, () => {
    for (const userinfo of [true, false]) {
      test(`asks the token endpoint once, userinfo ${userinfo ? 'once' : 'never'}, and the store ${total(operations)} times`, async (t) => {
        const stack = await start({ durable: kind === 'durable', vars: { OIDC_CREDENTIALS_STORE: kind, OIDC_USER_INFO_ENABLED: userinfo } });
        t.after(() => stack.close());
        // The first one also brings metadata and keys, which the next ones find.
        await signIn(stack, 'alice');
        const first = await countsOf(stack.port);
        assert.deepEqual(first.fetches, { '/.well-known/openid-configuration': 1, '/jwks': 1, ...asked(userinfo) });
        await signIn(stack, 'bob');
        const warm = await countsOf(stack.port);
        assert.deepEqual(warm.fetches, asked(userinfo));
        assert.deepEqual(warm.store, operations);
        assert.equal(warm.microtasks, undefined, 'Rust goes on by promises alone, which are cheaper');
      });
    }
  });
}

test('a sign-in at a provider that loads no frames writes once', async (t) => {
  const stack = await start({ provider: frames(false) });
  t.after(() => stack.close());
  await signIn(stack, 'alice');
  assert.deepEqual((await countsOf(stack.port)).store, WITHOUT_FRAMES);
});

/** Operations that write. */
const WRITES = ['put', 'delete', 'save', 'join', 'leave', 'claim', 'release'];

for (const kind of Object.keys(STORES)) {
  test(`${FRAMES[kind]} frames of the front channel of nobody write nothing, with ${kind}`, async (t) => {
    const stack = await start({
      durable: kind === 'durable',
      vars: { OIDC_CREDENTIALS_STORE: kind },
      provider: frames(true),
    });
    t.after(() => stack.close());
    await signIn(stack, 'alice');
    const { store: signedIn } = await countsOf(stack.port);
    assert.equal(total(signedIn), total(STORES[kind]), 'the sign-in notes whom a frame may name');
    const frame = async (sid) => (await request({ port: stack.port, target: `/oidc_frontchannel_logout?${new URLSearchParams({ iss: stack.provider.issuer, sid })}` })).status;
    for (let sent = 0; sent < FRAMES[kind]; sent += 50) {
      const statuses = await Promise.all(Array.from({ length: 50 }, (_, i) => frame(`nobody-${sent + i}`)));
      assert.deepEqual(new Set(statuses), new Set([400]));
    }
    const { store, fetches } = await countsOf(stack.port);
    assert.deepEqual(Object.keys(store).filter((name) => WRITES.includes(name)), []);
    assert.deepEqual(fetches, {});
  });
}

function asked(userinfo) {
  return { '/token': 1, ...(userinfo && { '/me': 1 }) };
}

/** From the page that is asked for to the callback's answer; the page itself is not asked for again. */
async function signIn(stack, name) {
  const visitor = stack.visitor();
  const landed = await visitor.navigate(await visitor.callbackUrl('/private/', name));
  assert.equal(landed.status, 302);
  assert.equal(visitor.sessionCookies.length, 1, 'a session has begun');
}
