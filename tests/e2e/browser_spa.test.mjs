// A page that asks by fetch(), when the session has ended: docs/spa.md in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium as driver } from 'playwright-core';
import { ARGUMENTS, chromium } from '../../scripts/chromium.mjs';
import { startStack } from './support/stack.mjs';

const IDLE_SECONDS = 3;

let stack;
let browser;
before(async () => {
  stack = await startStack({ vars: { OIDC_SESSION_IDLE_TTL: IDLE_SECONDS } });
  browser = await driver.launch({ executablePath: await chromium(), args: ARGUMENTS });
});
after(async () => {
  await browser?.close();
  await stack?.close();
});

/** Runs `visit(page, context)` where alice has written a note, until after her session has ended. */
async function withNote(visit, { blocked = false } = {}) {
  const context = await browser.newContext({ baseURL: stack.publicUrl });
  context.setDefaultTimeout(15_000);
  try {
    const page = await context.newPage();
    if (blocked) await page.addInitScript(() => (window.open = () => null));
    await page.goto('/spa/');
    await signIn(page);
    await page.waitForURL(`${stack.publicUrl}/spa/`);
    await page.getByLabel('Note').fill('Über');
    await sleep((IDLE_SECONDS + 1) * 1000);
    await visit(page, context);
  } finally {
    await context.close();
  }
}

async function signIn(page, name = 'alice') {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const saved = (page) => page.getByText('Saved: 16 bytes').waitFor();
const posts = () => stack.origin.requests.filter(({ method, target }) => method === 'POST' && target === '/echo/note').length;

describe('a page whose session has ended', () => {
  test('signs in again in a window that closes, and sends what it had', async () => {
    await withNote(async (page, context) => {
      const before = posts();
      const opened = context.waitForEvent('page');
      await page.getByRole('button', { name: 'Save' }).click();
      const popup = await opened;
      await saved(page);
      assert.ok(popup.isClosed());
      assert.equal(posts(), before + 1, 'the first one did not get to the origin');
      assert.equal(await page.getByLabel('Note').inputValue(), 'Über', 'the page is still the same');
      await page.getByRole('button', { name: 'Save' }).click();
      await saved(page);
      assert.equal(context.pages().length, 1);
    });
  });

  test('waits for a visitor who has to type a password, with one window for many requests', async () => {
    await withNote(async (page, context) => {
      await context.clearCookies({ domain: '127.0.0.1' });
      const statuses = page.evaluate(async () => {
        const { fetchSignedIn } = await import('/spa/sign-in-again.js');
        const answers = await Promise.all([1, 2, 3].map((n) => fetchSignedIn(`/api/whoami?${n}`)));
        return answers.map(({ status }) => status);
      });
      const popup = await context.waitForEvent('page');
      await popup.waitForURL(`${stack.provider.issuer}/**`);
      assert.equal(context.pages().length, 2);
      await signIn(popup);
      assert.deepEqual(await statuses, [200, 200, 200]);
      assert.ok(popup.isClosed());
    });
  });

  test('is told 401 when the visitor closes the window', async () => {
    await withNote(async (page, context) => {
      await context.clearCookies({ domain: '127.0.0.1' });
      const opened = context.waitForEvent('page');
      await page.getByRole('button', { name: 'Save' }).click();
      const popup = await opened;
      await popup.waitForURL(`${stack.provider.issuer}/**`);
      await popup.close();
      // A browser without a screen moves no focus by itself.
      await page.evaluate(() => window.dispatchEvent(new Event('focus')));
      await page.getByText('Not saved (401)').waitFor();
    });
  });

  test('is loaded anew where windows are blocked', async () => {
    await withNote(async (page) => {
      await page.getByRole('button', { name: 'Save' }).click();
      await page.waitForFunction(() => document.querySelector('textarea')?.value === '');
      assert.equal(page.url(), `${stack.publicUrl}/spa/`);
      await page.getByLabel('Note').fill('Über');
      await page.getByRole('button', { name: 'Save' }).click();
      await saved(page);
    }, { blocked: true });
  });
});

test('docs/spa.md shows the script as it is', () => {
  const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
  assert.ok(read('docs/spa.md').includes(`\`\`\`js\n${read('demo/spa/sign-in-again.js')}\`\`\`\n`));
});
