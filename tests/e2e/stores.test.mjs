// What every store must do, in workerd: the statements of tests/stores.json, which tests/stores.rs runs natively.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from './support/stack.mjs';

const STATEMENTS = JSON.parse(readFileSync(new URL('../stores.json', import.meta.url)));

/** In seconds. Moments are whole seconds, so that waiting takes one more. */
const [CHECK, GRACE] = [1, 4];
const WAITS = { check: CHECK * 1000 + 1100, grace: GRACE * 1000 + 1100, tokens: 3100, due: 5100 };
/** How long ID tokens live: over after `tokens`, or nearly so after `due`. */
const LIVES = { short: 2, due: 10 };
const HOUR = 3600;

async function start(store) {
  const lives = { seconds: HOUR };
  const stack = await startStack({
    durable: store === 'durable',
    twin: store !== 'memory',
    vars: { OIDC_CREDENTIALS_STORE: store, OIDC_SESSION_CHECK_INTERVAL: CHECK, OIDC_STORE_OUTAGE_GRACE: GRACE, OIDC_CLOCK_SKEW: 0 },
    provider: {
      configure: (configuration) => {
        configuration.ttl.IdToken = () => lives.seconds;
        configuration.rotateRefreshToken = true;
      },
    },
  });
  return Object.assign(stack, { lives });
}

class Run {
  constructor(stack) {
    this.stack = stack;
    this.visitors = new Map();
    this.grants = stack.grants.length;
    this.isolates = [stack.port, stack.worker.twinPort ?? stack.port];
  }

  async step(text) {
    const words = text.split(' ');
    const [verb, what] = words;
    const visitor = this.visitors.get(what);
    if (text.startsWith('sign in ')) return this.signIn(words[2], words[4]);
    if (text.startsWith('sign out ')) return this.signOut(this.visitors.get(words[2]));
    if (verb === 'everywhere') return this.everywhere(visitor);
    if (verb === 'copy') return this.copy(visitor, words[2]);
    if (verb === 'store') return this.store(what);
    if (verb === 'pass') return sleep(WAITS[what]);
    if (verb === 'ask') return assert.equal(await this.ask(visitor, Number(words[2])), Number(words[3]), text);
    if (verb === 'crowd') return this.crowd(visitor, Number(words[2]));
    if (verb === 'refreshes') return assert.deepEqual(this.refreshes(), Array(Number(what)).fill('success'), text);
    throw new Error(`no step: ${text}`);
  }

  async signIn(name, account = 'alice') {
    const visitor = this.stack.visitor();
    assert.equal((await visitor.signIn('/api/whoami', account)).json().user, account);
    this.visitors.set(name, visitor);
    this.stack.lives.seconds = HOUR;
    // A sign-in may take longer than short tokens live.
    this.grants = this.stack.grants.length;
  }

  copy(visitor, name) {
    const copy = this.stack.visitor();
    copy.jar = structuredClone(visitor.jar);
    this.visitors.set(name, copy);
  }

  async signOut(visitor) {
    assert.equal((await visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } })).status, 302);
  }

  async everywhere(visitor) {
    const headers = { 'Sec-Fetch-Site': 'same-origin', Origin: this.stack.publicUrl, 'Content-Type': 'application/x-www-form-urlencoded' };
    assert.equal((await visitor.navigate('/oidc_logout', { method: 'POST', headers, body: 'everywhere=1' })).status, 302);
  }

  store(behaviour) {
    if (behaviour === 'empty') this.stack.kv.entries.clear();
    else if (behaviour === 'behind') this.stack.kv.fallBehind();
    else this.stack.kv.behaviour = behaviour;
  }

  async ask(visitor, isolate) {
    visitor.publicUrl = `http://localhost:${this.isolates[isolate]}`;
    const { status } = await visitor.fetch('/api/whoami');
    visitor.publicUrl = this.stack.publicUrl;
    return status;
  }

  async crowd(visitor, count) {
    const copies = Array.from({ length: count }, () => Object.assign(this.stack.visitor(), { jar: structuredClone(visitor.jar) }));
    const statuses = await Promise.all(copies.map((copy, index) => this.ask(copy, index % 2)));
    assert.deepEqual([...new Set(statuses)], [200]);
  }

  refreshes() {
    return this.stack.grants.slice(this.grants).filter(({ type }) => type === 'refresh_token').map(({ outcome }) => outcome);
  }
}

// Most of it is waiting: side by side.
describe('every store', { concurrency: true }, () => {
  for (const store of ['memory', 'kv', 'durable']) {
    describe(`${store}:`, { concurrency: false }, () => {
      let stack;
      before(async () => (stack = await start(store)));
      after(() => stack?.close());

      for (const { says, stores, tokens, steps } of STATEMENTS) {
        if (stores && !stores.includes(store)) continue;
        test(says, async () => {
          stack.kv.behaviour = 'ok';
          stack.lives.seconds = LIVES[tokens] ?? HOUR;
          const run = new Run(stack);
          for (const step of steps) await run.step(step);
        });
      }
    });
  }
});
