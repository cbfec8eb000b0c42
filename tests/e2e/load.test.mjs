// The short version of "npm run bench -- load": a crowd whose tokens end all the time, and a store that comes and goes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crowd } from '../../bench/lib/crowd.mjs';

for (const store of ['durable', 'kv']) {
  test(`a crowd with ${store}: nobody is taken for somebody else, or signed out without cause`, async () => {
    const figures = await crowd({ visitors: 20, seconds: 20, tokensLive: 8, store });
    console.log(JSON.stringify(figures));
    assert.equal(figures.strangers, 0);
    assert.deepEqual(figures.unexpected, []);
    assert.ok(figures.lost <= figures.unsaved, `${figures.lost} sessions were over, ${figures.unsaved} for a cause`);
    assert.ok(figures.requests > 200 && figures.answers[200] > figures.requests / 2, JSON.stringify(figures));
    assert.ok(figures.refreshes >= 10, 'sessions were renewed');
  });
}

test('a crowd before a store that never fails: no session is over at all', async () => {
  const figures = await crowd({ visitors: 20, seconds: 15, tokensLive: 6, calm: true });
  console.log(JSON.stringify(figures));
  assert.deepEqual([figures.strangers, figures.lost, figures.refused, figures.unsaved], [0, 0, 0, 0]);
  assert.deepEqual(figures.unexpected, []);
  assert.ok(figures.refreshes >= 10, 'sessions were renewed');
});
