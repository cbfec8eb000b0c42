// A real browser: what a visitor sees, and whether Chromium takes the cookies.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { chromium as driver } from 'playwright-core';
import { ACCOUNTS } from '../../demo/provider.mjs';
import { ARGUMENTS, chromium } from '../../scripts/chromium.mjs';
import { startStack } from './support/stack.mjs';

let stack;
let browser;
before(async () => {
  stack = await startStack();
  browser = await driver.launch({ executablePath: await chromium(), args: ARGUMENTS });
});
after(async () => {
  await browser?.close();
  await stack?.close();
});

/** Runs `visit(page, context)` in a fresh browser profile. */
async function withProfile(visit) {
  const context = await browser.newContext({ baseURL: stack.publicUrl });
  context.setDefaultTimeout(15_000);
  try {
    await visit(await context.newPage(), context);
  } finally {
    await context.close();
  }
}

async function fillIn(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describe('in Chromium a visitor', () => {
  test('signs in, sees who they are, opens a second tab, signs out', async () => {
    await withProfile(async (page, context) => {
      await page.goto('/');
      await page.getByRole('link', { name: 'Private' }).click();
      await page.waitForURL(`${stack.provider.issuer}/**`);
      await fillIn(page, 'alice');
      await page.waitForURL(`${stack.publicUrl}/private/`);
      assert.match(await page.content(), /Alice Adams/);

      const cookie = (await context.cookies()).find(({ name }) => name === '__Host-oidc_id_token');
      assert.ok(cookie?.httpOnly && cookie.secure && cookie.sameSite === 'Lax', 'Chromium keeps the session cookie');
      assert.ok(!(await page.evaluate(() => document.cookie)).includes('oidc'), 'scripts don’t see it');

      const second = await context.newPage();
      await second.goto('/api/whoami');
      assert.match(await second.content(), /alice@example\.com/);
      const claims = await second.evaluate(() => fetch('/oidc_userinfo').then((answer) => answer.json()));
      assert.equal(claims.sub, 'alice');

      await page.getByRole('link', { name: 'Sign out' }).click();
      await page.waitForURL(`${stack.provider.issuer}/session/end**`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(`${stack.publicUrl}/oidc_signed_out**`);

      await second.goto('/private/');
      assert.ok(second.url().startsWith(stack.provider.issuer), 'the second tab is asked to sign in again');
    });
  });

  test('sees their account and signs out everywhere, without JavaScript', async () => {
    const name = `Alice Adams, alice.${'adams-'.repeat(8)}adams@accounting.example.com`;
    const alice = { ...ACCOUNTS.alice, claims: { ...ACCOUNTS.alice.claims, name } };
    const durable = await startStack({ durable: true, vars: { OIDC_SESSION_CHECK_INTERVAL: 0 }, provider: { accounts: { alice } } });
    const context = await browser.newContext({ baseURL: durable.publicUrl, javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
    context.setDefaultTimeout(15_000);
    try {
      const elsewhere = durable.visitor();
      await elsewhere.signIn('/api/whoami');
      const page = await context.newPage();
      await page.goto('/oidc_account');
      await fillIn(page, 'alice');
      await page.waitForURL(`${durable.publicUrl}/oidc_account`);
      assert.match(await page.content(), /Alice Adams/);
      assert.equal(await page.getByRole('listitem').count(), 1, 'the session elsewhere');
      const [wide] = await page.getByRole('main').evaluateAll((mains) => mains.map((main) => main.ownerDocument.documentElement.scrollWidth));
      assert.equal(wide, 320, 'a long name wraps on a phone');
      const [here, everywhere] = await page.getByRole('button').evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect()));
      assert.ok(everywhere.top > here.bottom, 'the buttons don’t touch');
      await page.getByRole('button', { name: 'Sign out on all devices' }).click();
      await page.waitForURL(`${durable.provider.issuer}/session/end**`);
      assert.ok(!(await context.cookies(durable.publicUrl)).some(({ name }) => name.startsWith('__Host-oidc_id_token')));
      assert.equal((await elsewhere.fetch('/api/whoami')).status, 401, 'and elsewhere');
    } finally {
      await context.close();
      await durable.close();
    }
  });

  test('signs in in two tabs at once', async () => {
    await withProfile(async (first, context) => {
      const second = await context.newPage();
      await Promise.all([first.goto('/private/?tab=1'), second.goto('/private/?tab=2')]);
      await fillIn(second, 'bob');
      await second.waitForURL(`${stack.publicUrl}/private/?tab=2`);
      await fillIn(first, 'bob');
      await first.waitForURL(`${stack.publicUrl}/private/?tab=1`);
      assert.match(await first.content(), /Bob Brown/);
    });
  });

  test('talks over a WebSocket', async () => {
    await withProfile(async (page) => {
      await page.goto('/private/');
      await fillIn(page, 'alice');
      await page.waitForURL(`${stack.publicUrl}/private/`);
      const heard = await page.evaluate(() => new Promise((resolve, reject) => {
        const messages = [];
        const socket = new WebSocket('/ws');
        socket.onerror = () => reject(new Error('the WebSocket failed'));
        socket.onopen = () => socket.send('over');
        socket.onmessage = ({ data }) => {
          messages.push(data);
          if (messages.length === 2) resolve(messages);
        };
      }));
      assert.deepEqual(heard, ['hello alice', 'over']);
    });
  });

  test('sees pages of the Worker that load nothing and run nothing', async () => {
    await withProfile(async (page) => {
      const problems = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => message.type() === 'error' && !/Failed to load resource/.test(message.text()) && problems.push(message.text()));
      const foreign = [];
      page.on('request', (sent) => !sent.url().startsWith(stack.publicUrl) && foreign.push(sent.url()));
      for (const target of ['/oidc_signed_out', '/oidc_callback?code=a&state=b', '/admin/', '/public/%2e%2e%2fx']) {
        await page.goto(target);
        assert.ok((await page.title()).length > 0, `${target} has a title`);
        assert.ok(await page.evaluate(() => document.documentElement.lang), `${target} says its language`);
      }
      assert.deepEqual(problems, []);
      assert.deepEqual(foreign, []);
    });
  });
});
