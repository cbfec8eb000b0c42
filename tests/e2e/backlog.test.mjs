// WebSockets of a session whose one side sends and whose other side does not read: what waits in the isolate is bounded.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { memoryOf } from '../../bench/lib/process.mjs';
import { openBulk, startBulkSite } from './support/bulk.mjs';
import { startStack } from './support/stack.mjs';

const MIB = 1024 * 1024;
const MESSAGE = 64 * 1024;
/** More than an isolate may have. */
const FLOOD = (300 * MIB) / MESSAGE;
/** As much as may wait for one side, and a little less. */
const BURST = (15 * MIB) / MESSAGE;

let site;
before(async () => (site = await startBulkSite()));
after(() => site?.close());

async function start(vars = {}) {
  const stack = await startStack({ vars: { OIDC_ORIGIN: site.url, OIDC_RULES: [{ path: '/*', access: 'login' }], ...vars } });
  const visitor = stack.visitor();
  await visitor.signIn('/');
  const headers = { Cookie: visitor.cookieHeader('localhost', '/') };
  const open = async () => {
    const [ours, origins] = await Promise.all([openBulk({ port: stack.port, headers }), site.next()]);
    return { visitor: ours, origin: origins };
  };
  return { ...stack, open, signedIn: visitor };
}

/** The lines of the log about connections that were too slow. */
const tooSlow = (stack) => [...stack.worker.log().matchAll(/^\{"event":"live\.too_slow".*\}$/gm)].map(([line]) => JSON.parse(line));

/** How many connections have been cut off, in which nobody reacted. */
const cutOff = (stack) => stack.worker.log().split('a WebSocket that nobody reads is cut off').length - 1;

async function until(what, condition, seconds = 30) {
  for (let waited = 0; !(await condition()); waited += 50) {
    assert.ok(waited < seconds * 1000, `${what} not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const WAYS = [['visitor', 'origin'], ['origin', 'visitor']];

describe('a flood', () => {
  let stack;
  before(async () => (stack = await start()));
  after(() => stack?.close());

  for (const [writer, reader] of WAYS) {
    test(`of the ${writer} for the ${reader}, who does not read, ends the connection and leaves the memory as it was`, async () => {
      const [sides, others] = [await stack.open(), await stack.open()];
      const before = memoryOf(stack.worker.pid).resident;
      const [told, cut] = [tooSlow(stack).length, cutOff(stack)];
      const sent = await sides[writer].answerNoClose().read().send(FLOOD, MESSAGE);
      assert.equal(await sides[writer].closed, 1013);
      assert.ok(sent < FLOOD, 'it was not all taken');
      const grown = (memoryOf(stack.worker.pid).peak - before) / MIB;
        assert.ok(grown < 100, `${Math.round(grown)} MiB more at the most`);
      await until('the log has it', () => tooSlow(stack).length > told);
      const [line, ...more] = tooSlow(stack).slice(told);
      assert.equal(more.length, 0);
      assert.deepEqual([line.fault, line.rule, typeof line.subject], [reader, '/*', 'string']);
      // Nobody waits for ever: who begins to read after that finds what was on its way already.
      await until('it is cut off', () => cutOff(stack) > cut);
      await sides[reader].read().gone;
      assert.equal(sides[reader].code, undefined);
      assert.ok(sides[reader].received.bytes < 12 * MIB, `${sides[reader].received.bytes / MIB} MiB were still there`);
      // Nobody else notices.
      others.origin.read();
      others.visitor.read();
      await Promise.all([others.origin.send(3, 100), others.visitor.send(3, 100)]);
      await until('the other connection goes on', () => others.origin.received.count === 3 && others.visitor.received.count === 3);
      others.visitor.destroy();
    });
  }

  test('on many connections at once is bounded in all', async () => {
    const before = memoryOf(stack.worker.pid).resident;
    const connections = [];
    for (let i = 0; i < 40; i += 1) connections.push(await stack.open());
    // Each alone would be within what one may have; together they are 600 MiB.
    const sending = connections.map(({ origin }) => origin.read().send(BURST, MESSAGE));
    await Promise.all(sending);
    await until('most are ended', () => connections.filter(({ origin }) => origin.code === 1013).length > 20);
    const grown = (memoryOf(stack.worker.pid).peak - before) / MIB;
    assert.ok(grown < 400, `${Math.round(grown)} MiB more at the most`);
    connections.forEach(({ visitor }) => visitor.destroy());
  });
});

describe('a connection whose reader is slow', () => {
  let stack;
  before(async () => (stack = await start({ OIDC_SESSION_CHECK_INTERVAL: 1 })));
  after(() => stack?.close());

  for (const [writer, reader] of WAYS) {
    test(`carries all that the ${writer} sends, in order, to its end, when the ${reader} reads at all`, async () => {
      const sides = await stack.open();
      assert.equal(await sides[writer].read().send(BURST, MESSAGE), BURST);
      sides[writer].close(4000);
      // It takes longer than one who does nothing is waited for.
      sides[reader].readSlowly(1.8 * MIB);
      assert.equal(await sides[reader].closed, 4000);
      assert.deepEqual(sides[reader].received, { count: BURST, bytes: BURST * MESSAGE, inOrder: true });
      assert.deepEqual(tooSlow(stack), []);
    });

    test(`carries any amount from the ${writer} to the ${reader}, when it keeps up`, async () => {
      const sides = await stack.open();
      sides[reader].read();
      const count = (100 * MIB) / MESSAGE;
      let seen = 0;
      for (let sent = 0; sent < count; sent += 100) {
        await sides[writer].read().send(100, MESSAGE);
        seen += 100;
        await until('they arrive', () => sides[reader].received.count === seen);
      }
      assert.equal(sides[reader].received.bytes, seen * MESSAGE);
      sides[writer].destroy();
    });

    test(`carries a single message from the ${writer} that is longer than what may wait`, async () => {
      const sides = await stack.open();
      sides[reader].read();
      await sides[writer].send(1, 20 * MIB);
      await until('it', () => sides[reader].received.count === 1);
      assert.deepEqual(sides[reader].received, { count: 1, bytes: 20 * MIB, inOrder: true });
      sides[writer].destroy();
    });
  }
});

describe('a connection whose session is over', () => {
  // An isolate of its own: what connections before it have left behind would count towards what all may hold back.
  let stack;
  before(async () => (stack = await start({ OIDC_SESSION_CHECK_INTERVAL: 1 })));
  after(() => stack?.close());

  test('is cut off when its session is over and nobody reacts', async () => {
    const sides = await stack.open();
    await sides.origin.send(BURST, MESSAGE);
    await stack.signedIn.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
    sides.origin.answerNoClose().read();
    assert.equal(await sides.origin.closed, 1008);
    await sides.origin.gone;
    sides.visitor.answerNoClose().read();
    await sides.visitor.gone;
    assert.equal(sides.visitor.code, undefined, 'it has read nothing of what was held back');
  });
});
