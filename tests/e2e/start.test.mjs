// `npm start`: the Worker under wrangler dev, the way a person sees it first, and nothing left behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Visitor } from './support/visitor.mjs';

const SCRIPT = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));

/** Runs the script; `said(pattern)` waits for what it prints, `ended` resolves to its exit code. */
function startDemo(...args) {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGTERM'));
  let output = '';
  const listeners = new Set();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
      listeners.forEach((listener) => listener());
    });
  }
  const ended = new Promise((resolve) => child.on('close', resolve));
  const said = (pattern) => new Promise((resolve, reject) => {
    const look = () => {
      const found = output.match(pattern);
      if (found) resolve(found);
    };
    listeners.add(look);
    look();
    ended.then((code) => reject(new Error(`ended with ${code} before it said ${pattern}:\n${output}`)));
  });
  return { child, said, ended, output: () => output };
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

describe('npm start', () => {
  test('runs until Ctrl-C, lets a visitor sign in, and leaves no port open', async () => {
    const state = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
    const demo = startDemo('--port', '0', '--origin-port', '0', '--provider-port', '0', '--state', state);
    try {
      const [, publicUrl] = await demo.said(/Open\s+(http:\/\/localhost:\d+)\//);
      const [, origin, provider] = await demo.said(/the site is http:\/\/127\.0\.0\.1:(\d+), the provider http:\/\/127\.0\.0\.1:(\d+)/);
      assert.match(demo.output(), /alice \/ alice/);
      assert.equal(statSync(join(state, '.demo', '.dev.vars')).mode & 0o777, 0o600);
      const secrets = [...readFileSync(join(state, '.demo', '.dev.vars'), 'utf8').matchAll(/="([^"]+)"/g)].map(([, secret]) => secret);
      assert.equal(secrets.length, 2);
      for (const secret of secrets) assert.ok(Buffer.from(secret, 'base64url').length === 32 && !demo.output().includes(secret));

      const visitor = new Visitor(publicUrl);
      assert.equal((await visitor.navigate('/')).status, 200);
      const page = await visitor.signIn('/private/');
      assert.match(page.text, /Alice Adams/);
      assert.equal((await visitor.fetch('/api/whoami')).json().user, 'alice');
      assert.equal((await visitor.fetch('/admin/')).status, 403);

      demo.child.kill('SIGINT');
      assert.equal(await demo.ended, 130);
      assert.ok(!demo.output().includes('error:'), demo.output());
      for (const port of [new URL(publicUrl).port, origin, provider]) assert.ok(!(await isListening(Number(port))), `port ${port} is still open`);
    } finally {
      demo.child.kill('SIGTERM');
      await demo.ended;
      rmSync(state, { recursive: true, force: true });
    }
  });

  test('names the option when a port is in use', async () => {
    const taken = net.createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    try {
      const demo = startDemo('--port', String(port));
      assert.equal(await demo.ended, 1);
      assert.match(demo.output(), new RegExp(`port ${port} is in use`));
      assert.match(demo.output(), /next: {2}npm start -- --port \d+/);
    } finally {
      taken.close();
    }
  });

  test('names the option when there is nowhere to keep its state', async () => {
    const demo = startDemo('--port', '0', '--state', fileURLToPath(import.meta.url));
    assert.equal(await demo.ended, 1);
    assert.match(demo.output(), /\.demo can't be made \(ENOTDIR\)\nnext: {2}npm start -- --state DIR/);
  });

  test('says how it is used', async () => {
    const help = startDemo('--help');
    assert.equal(await help.ended, 0);
    assert.match(help.output(), /--provider-port/);
    const wrong = startDemo('--prot', '1');
    assert.equal(await wrong.ended, 1);
    assert.match(wrong.output(), /next: {2}npm start -- --help/);
  });
});
