// The log and the counters in the real runtime: what the platform adds to a line, and that nothing leaks.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';

describe('the log', () => {
  let stack;
  before(async () => (stack = await startStack({ metrics: true, vars: { OIDC_LOG: { admitted: 1 } } })));
  after(() => stack?.close());

  /** The lines with this event, and what was counted of it, once they are there. */
  async function told(event) {
    for (let tries = 0; tries < 50; tries += 1) {
      const lines = stack.worker.log().split('\n');
      const json = (prefix) => lines.filter((line) => line.includes(prefix)).map((line) => JSON.parse(line.slice(line.indexOf('{'))));
      const [logged, counted] = [json('{"event"').filter((line) => line.event === event), json('counted {').filter((point) => point.indexes[0] === event)];
      if (logged.length && counted.length) return { logged, counted };
      await sleep(20);
    }
    throw new Error(`no ${event} in:\n${stack.worker.log()}`);
  }

  test('a sign-in is one line and one count at its start and its end', async () => {
    const visitor = stack.visitor();
    await visitor.navigate('/private/', { headers: { 'CF-Ray': 'ray-1' } });
    const { logged: [started] } = await told('sign_in.started');
    assert.deepEqual({ ...started, ms: typeof started.ms }, {
      event: 'sign_in.started', rule: '/*', provider: stack.provider.issuer, request: 'ray-1', ms: 'number',
    });
    await visitor.signIn('/private/');
    const { logged: [finished], counted: [count] } = await told('sign_in.finished');
    assert.match(finished.subject, /^[\w-]{12}$/);
    assert.ok(finished.ms < 10_000);
    assert.deepEqual(count.blobs, ['sign_in.finished', '', '', stack.provider.issuer]);
    assert.deepEqual(count.doubles, [1, count.doubles[1]]);
    const { logged: [admitted] } = await told('request.admitted');
    assert.deepEqual([admitted.rule, admitted.subject], ['/*', finished.subject]);
  });

  test('no line holds what nobody may see', async () => {
    const visitor = stack.visitor();
    await visitor.signIn('/private/');
    await visitor.navigate('/oidc_callback?code=a-code-of-nobody&state=a-state-of-nobody');
    await told('callback.state_mismatch');
    const log = stack.worker.log();
    for (const hidden of ['a-code-of-nobody', 'a-state-of-nobody', 'alice@', ...Object.values(visitor.cookies).filter((value) => value.length > 20)]) {
      assert.ok(!log.includes(hidden), hidden);
    }
  });
});
