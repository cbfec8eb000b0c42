// What a panic costs: the request that panics, and nothing that comes after it. None is known; the Worker of these tests
// panics on purpose.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { compiledFolder } from '../../scripts/lib/wasm.mjs';
import { rawGet } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const PANICKING = process.env.EDGE_OIDC_PANICKING ?? join(compiledFolder('panicking'), 'worker');
const BUILD = process.env.EDGE_OIDC_BUILD ?? 'build';
const MARK = 'on purpose, for a test';
const PLACES = ['now', 'later'];

async function until(what, condition) {
  for (let waited = 0; !condition(); waited += 20) {
    assert.ok(waited < 20_000, `${what}: not within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

if (!existsSync(join(PANICKING, 'index.js'))) throw new Error('next: node scripts/panicking.mjs');

test('the Worker that is deployed can’t be asked to panic', () => {
  assert.ok(readFileSync(join(PANICKING, 'index_bg.wasm')).includes(MARK));
  assert.ok(!readFileSync(join(BUILD, 'index_bg.wasm')).includes(MARK));
});

for (const store of ['kv', 'durable', 'memory']) {
  describe(`with ${store}`, () => {
    let stack;
    let visitor;
    before(async () => {
      stack = await startStack({ build: PANICKING, durable: store === 'durable', vars: { OIDC_CREDENTIALS_STORE: store, OIDC_SESSION_CHECK_INTERVAL: store === 'memory' ? 60 : 0 } });
      visitor = stack.visitor();
      await visitor.signIn('/api/whoami', 'alice');
    });
    after(() => stack?.close());

    const panics = () => stack.worker.log().split(MARK).length - 1;

    async function isHonest(place, headers) {
      const [told, before] = [stack.worker.log().length, panics()];
      const answer = await visitor.send(`/panic/${place}`, { headers });
      assert.equal(answer.status, 500);
      assert.equal(answer.headers['cache-control'], 'no-store');
      await until('the log says where, and who was told', () => panics() === before + 1 && /"event":"host\.internal","fault":"host"/.test(stack.worker.log().slice(told)));
      return answer;
    }

    for (const place of PLACES) {
      test(`who panics (${place}) gets a page with a code, and the next one is served`, async () => {
        const page = await isHonest(place, { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate' });
        assert.match(page.headers['content-type'], /^text\/html/);
        assert.match(page.text, /<html lang="en">/);
        assert.match(page.text, /host\.internal/);
        const json = await isHonest(place, { 'Sec-Fetch-Mode': 'cors' });
        assert.equal(json.json().error, 'host.internal');
        for (let n = 0; n < 3; n += 1) {
          const next = await visitor.fetch('/api/whoami');
          assert.deepEqual([next.status, next.json().user], [200, 'alice'], 'the session stands');
        }
        // And others may sign in.
        const other = stack.visitor();
        assert.equal((await other.signIn('/api/whoami', 'bob')).json().user, 'bob');
      });

      test(`many that panic (${place}) at once do no more`, async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => rawGet(stack.port, `/panic/${place}`)));
        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([500]));
        assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
      });

      test(`those who wait for the origin meanwhile (${place}) are answered`, async () => {
        const asked = stack.origin.requests.length;
        const waiting = Array.from({ length: 8 }, () => visitor.fetch('/slow?ms=1500'));
        await until('they are at the origin', () => stack.origin.requests.length >= asked + 8);
        await isHonest(place, { 'Sec-Fetch-Mode': 'cors' });
        for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
      });

      test(`a sign-in that was begun before a panic (${place}) is finished after it`, async () => {
        const other = stack.visitor();
        const callback = await other.callbackUrl('/api/whoami', 'bob');
        await isHonest(place, { 'Sec-Fetch-Mode': 'cors' });
        assert.equal((await other.navigate(callback)).status, 302);
        assert.equal((await other.fetch('/api/whoami')).json().user, 'bob');
      });

      if (store === 'durable') {
        test(`an object that panics (${place}) is there again`, async () => {
          for (let n = 0; n < 3; n += 1) {
            const before = panics();
            await visitor.send(`/panic/object-${place}`);
            await until('it has panicked', () => panics() === before + 1);
            assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice', 'what other objects hold is there');
          }
          const other = stack.visitor();
          await other.signIn('/api/whoami', 'bob');
          const copy = stack.visitor();
          copy.jar = structuredClone(other.jar);
          await other.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
          assert.equal((await copy.fetch('/api/whoami')).status, 401, 'and what is written now, too');
        });
      }
    }
  });
}
