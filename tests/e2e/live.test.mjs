// Connections that stay open are closed when the session is over that they were opened under.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWebSocket } from './support/http.mjs';
import { startStack } from './support/stack.mjs';

const SAME_ORIGIN = { 'Sec-Fetch-Site': 'same-origin' };
/** Of the check, in seconds; and what a machine that is busy may need on top, in milliseconds. */
const INTERVAL = 2;
const SLACK_MS = 2500;

const lives = { seconds: 3600 };

async function start(options) {
  return startStack({
    ...options,
    vars: { OIDC_SESSION_CHECK_INTERVAL: INTERVAL, OIDC_CLOCK_SKEW: 0, ...options.vars },
    provider: { configure: (configuration) => (configuration.ttl.IdToken = () => lives.seconds) },
  });
}

async function signedIn(stack, name = 'alice') {
  const visitor = stack.visitor();
  await visitor.signIn('/api/whoami', name);
  return visitor;
}

const cookiesOf = (visitor) => ({ Cookie: visitor.cookieHeader('localhost', '/') });

function open(stack, visitor, { target = '/ws', port = stack.port, headers = {} } = {}) {
  return openWebSocket({ port, target, headers: { ...(visitor && cookiesOf(visitor)), ...headers } });
}

/** An event stream: `{ status, headers, events(), ended }`; `ended` tells how, `'whole'` or `'cut'`. */
function listen(stack, visitor, { target = '/events?count=200', port = stack.port, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const outgoing = http.get({ host: '127.0.0.1', port, path: target, agent: false, headers: { Host: `localhost:${port}`, ...(visitor && cookiesOf(visitor)), ...headers } }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (data) => (text += data));
      const ended = new Promise((end) => {
        incoming.on('end', () => end(incoming.complete ? 'whole' : 'cut'));
        incoming.on('error', () => end('cut'));
      });
      resolve({ status: incoming.statusCode, headers: incoming.headers, events: () => text.split('data: ').length - 1, ended, leave: () => outgoing.destroy() });
    });
    outgoing.on('error', reject);
  });
}

/** How long it takes, in milliseconds; it fails when it takes longer than the interval and some slack. */
async function soon(ending, more = 0) {
  const began = Date.now();
  const outcome = await Promise.race([ending, sleep(INTERVAL * 1000 + SLACK_MS + more, 'it is still open', { ref: false })]);
  return { outcome, took: Date.now() - began };
}

for (const store of ['durable', 'kv', 'memory']) {
  describe(`with ${store}`, () => {
    let stack;
    before(async () => (stack = await start({ durable: store === 'durable', vars: { OIDC_CREDENTIALS_STORE: store } })));
    after(() => stack?.close());

    test('a WebSocket and an event stream end when their visitor signs out, and nobody else’s do', async () => {
      const [alice, bob] = [await signedIn(stack), await signedIn(stack, 'bob')];
      const copy = stack.visitor();
      copy.jar = structuredClone(alice.jar);
      const [socket, stream] = [await open(stack, alice), await listen(stack, alice)];
      const [other, others] = [await open(stack, bob), await listen(stack, bob)];
      assert.equal(await socket.next(), 'hello alice');
      assert.equal(await other.next(), 'hello bob');
      await sleep(INTERVAL * 1000 + 500);
      socket.send('still here');
      assert.equal(await socket.next(), 'still here', 'a session that stands is not disturbed');
      await alice.navigate('/oidc_logout', { headers: SAME_ORIGIN });
      assert.equal((await soon(socket.closed)).outcome, 1008);
      assert.equal((await soon(stream.ended)).outcome, 'cut');
      const heard = others.events();
      await sleep(500);
      assert.ok(others.events() > heard, 'another visitor’s stream goes on');
      other.send('and me');
      assert.equal(await other.next(), 'and me');
      assert.equal((await open(stack, copy)).status, 401, 'it is not opened again');
      other.close();
      others.leave();
    });

    test('they end with the tokens, when no request has renewed them', async () => {
      lives.seconds = 3;
      const visitor = await signedIn(stack);
      lives.seconds = 3600;
      const [socket, stream] = [await open(stack, visitor), await listen(stack, visitor)];
      assert.equal((await soon(socket.closed, 3000)).outcome, 1008);
      assert.equal((await soon(stream.ended, 3000)).outcome, 'cut');
      assert.equal((await open(stack, visitor)).status, 101, 'the request that asks again renews them');
    });

    test('they go on when a request has renewed the tokens', async () => {
      lives.seconds = 7;
      const visitor = await signedIn(stack);
      lives.seconds = 3600;
      const socket = await open(stack, visitor);
      assert.equal(await socket.next(), 'hello alice');
      await sleep(4000);
      assert.equal((await visitor.fetch('/api/whoami')).status, 200);
      await sleep(3500 + SLACK_MS);
      socket.send('still here');
      assert.equal((await soon(socket.next())).outcome, 'still here');
      socket.close();
    });
  });
}

describe('a connection', () => {
  let stack;
  before(async () => (stack = await start({ durable: true, vars: { OIDC_SESSION_CHECK_INTERVAL: 0 } })));
  after(() => stack?.close());

  async function allOver(how) {
    for (let waited = 0; stack.origin.live() > 0; waited += 50) {
      assert.ok(waited < 5000, `${how}: ${stack.origin.live()} are still open`);
      await sleep(50);
    }
  }

  test('is closed when the session was ended at another isolate', async () => {
    const visitor = await signedIn(stack);
    const [socket, stream] = [await open(stack, visitor), await listen(stack, visitor)];
    const elsewhere = stack.visitor();
    elsewhere.publicUrl = `http://localhost:${stack.worker.twinPort}`;
    elsewhere.jar = visitor.jar;
    await elsewhere.navigate('/oidc_logout', { headers: SAME_ORIGIN });
    assert.equal((await soon(socket.closed)).outcome, 1008);
    assert.equal((await soon(stream.ended)).outcome, 'cut');
  });

  test('of an anonymous visitor is left alone', async () => {
    const stream = await listen(stack, undefined, { target: '/public/events?count=30' });
    assert.equal(stream.status, 200);
    assert.equal(await stream.ended, 'whole');
  });

  test('carries text and bytes both ways, of any size, and the subprotocol', async () => {
    const visitor = await signedIn(stack);
    const socket = await open(stack, visitor, { headers: { 'Sec-WebSocket-Protocol': 'chat, other' } });
    assert.equal(socket.headers['sec-websocket-protocol'], 'chat');
    assert.equal(await socket.next(), 'hello alice');
    for (const message of ['a', 'ü€😀', 'x'.repeat(100_000)]) {
      socket.send(message);
      assert.equal(await socket.next(), message);
    }
    socket.sendBytes(Buffer.from('\u0000bytes'));
    assert.equal(await socket.next(), '\u0000bytes');
    for (let i = 0; i < 200; i += 1) socket.send(String(i));
    for (let i = 0; i < 200; i += 1) assert.equal(await socket.next(), String(i), 'in order');
    socket.close();
  });

  test('is closed as its visitor or the origin closes it', async () => {
    const visitor = await signedIn(stack);
    const socket = await open(stack, visitor);
    await socket.next();
    socket.finish(4001);
    assert.equal((await soon(socket.closed)).outcome, 4001);
  });

  test('is over at the origin, too, when its visitor closes it with what nobody may send', async () => {
    const visitor = await signedIn(stack);
    // Each byte that is no UTF-8 becomes three, and there may be 123 of them.
    const tooLong = Buffer.alloc(42, 0xff);
    for (const [code, reason] of [[0], [999], [1004], [1006], [1015], [5000], [65_535], [1000, tooLong]]) {
      const socket = await open(stack, visitor);
      await socket.next();
      socket.finish(code, reason);
      await allOver(`closed with ${code}`);
      socket.close();
    }
  });

  test('that is compressed stays readable, event by event', async () => {
    const visitor = await signedIn(stack);
    const answer = await fetch(`http://127.0.0.1:${stack.port}/events?count=8&gzip`, { headers: { ...cookiesOf(visitor), 'Accept-Encoding': 'gzip' } });
    const pieces = [];
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) pieces.push({ piece, at: Date.now() });
    assert.equal(pieces.map(({ piece }) => piece).join('').split('data: ').length - 1, 8);
    assert.ok(pieces.length >= 4 && pieces.at(-1).at - pieces[0].at > 300, `they came in ${pieces.length} pieces`);
  });

  test('whose visitor just leaves is over at the origin, too', async () => {
    const visitor = await signedIn(stack);
    const [socket, stream] = [await open(stack, visitor), await listen(stack, visitor)];
    await socket.next();
    assert.equal(stack.origin.live(), 2);
    socket.close();
    stream.leave();
    await allOver('left');
  });

  test('that ends by itself ends whole', async () => {
    const stream = await listen(stack, await signedIn(stack), { target: '/events?count=5' });
    assert.equal(await stream.ended, 'whole');
    assert.equal(stream.events(), 5);
  });
});

describe('a connection that was opened with an access token', () => {
  let stack;
  before(async () => {
    stack = await startStack({
      vars: { OIDC_RULES: [{ path: '/*', access: 'token' }], OIDC_CLOCK_SKEW: 0 },
      provider: {
        configure: (configuration) => {
          configuration.clients.push({ client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post' });
          configuration.features.clientCredentials = { enabled: true };
          configuration.ttl.ClientCredentials = () => lives.seconds;
        },
      },
    });
  });
  after(() => stack?.close());

  /** The header of a new token that lives so many seconds. */
  async function bearer(seconds) {
    lives.seconds = seconds;
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'robot', client_secret: 'robot-secret' });
    const tokens = await (await fetch(`${stack.provider.issuer}/token`, { method: 'POST', body })).json();
    assert.equal(tokens.token_type, 'Bearer', JSON.stringify(tokens));
    return { Authorization: `Bearer ${tokens.access_token}` };
  }

  test('ends when the token does, and no sooner; one of a token that lives on goes on', async () => {
    // Longer than a timer of the platform can count to.
    const lasting = await bearer(60 * 24 * 3600);
    const other = await open(stack, undefined, { headers: lasting });
    const LIFE = 4;
    const end = (Math.floor(Date.now() / 1000) + LIFE) * 1000;
    const short = await bearer(LIFE);
    const [socket, stream] = [await open(stack, undefined, { headers: short }), await listen(stack, undefined, { headers: short })];
    assert.deepEqual([socket.status, stream.status, other.status], [101, 200, 101]);
    await socket.next();
    socket.send('still here');
    assert.equal(await socket.next(), 'still here');
    const endings = await Promise.all([soon(socket.closed, LIFE * 1000), soon(stream.ended, LIFE * 1000)].map(async (ending) => ({ ...(await ending), at: Date.now() })));
    assert.deepEqual(endings.map(({ outcome }) => outcome), [1008, 'cut']);
    assert.ok(endings.every(({ at }) => at >= end), `${endings.map(({ at }) => at - end)} ms after the end`);
    assert.ok(stream.events() > 5, 'it came event by event until then');
    assert.equal((await open(stack, undefined, { headers: short })).status, 401, 'it is not opened again');
    await other.next();
    other.send('and me');
    assert.equal(await other.next(), 'and me');
    other.close();
  });
});
