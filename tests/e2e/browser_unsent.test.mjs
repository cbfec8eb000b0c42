// Without JavaScript in a real browser: what was entered when the session ended is sent after all.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium as driver } from 'playwright-core';
import { ARGUMENTS, chromium } from '../../scripts/chromium.mjs';
import { startStack } from './support/stack.mjs';

const IDLE_SECONDS = 3;

let stack;
let browser;
let folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  stack = await startStack({ vars: { OIDC_SESSION_IDLE_TTL: IDLE_SECONDS } });
  browser = await driver.launch({ executablePath: await chromium(), args: ARGUMENTS });
});
after(async () => {
  await browser?.close();
  await stack?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `visit(page, context)` where alice has the page of notes before her, until after her session has ended. */
async function withNotes(fill, visit) {
  const context = await browser.newContext({ baseURL: stack.publicUrl, javaScriptEnabled: false });
  context.setDefaultTimeout(15_000);
  try {
    const page = await context.newPage();
    await page.goto('/notes/');
    await page.getByLabel('Name').fill('alice');
    await page.getByLabel('Password').fill('alice');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${stack.publicUrl}/notes/`);
    await fill(page);
    await sleep((IDLE_SECONDS + 1) * 1000);
    await visit(page, context);
  } finally {
    await context.close();
  }
}

const posts = () => stack.origin.requests.filter(({ method, target }) => method === 'POST' && target === '/notes/').length;

describe('in Chromium without JavaScript', () => {
  test('a note is kept, sent with one click, and not sent twice', async () => {
    const note = 'It rains.\nÜberall <b>& "still".\n\n🌧';
    await withNotes((page) => page.getByLabel('Note').fill(note), async (page) => {
      const before = posts();
      await page.getByRole('button', { name: 'Send the note' }).click();
      await page.waitForURL(/\/oidc_resume\?/);
      assert.match(await page.textContent('main'), /signed in as Alice Adams\. It goes to \/notes\//);
      assert.equal(posts(), before);
      await page.getByRole('button', { name: 'Send it' }).click();
      await page.waitForURL(`${stack.publicUrl}/notes/`);
      const cells = await page.locator('td').allTextContents();
      assert.deepEqual(cells.slice(0, 2), ['alice', 'application/x-www-form-urlencoded']);
      assert.equal(cells[3].replaceAll('\r\n', '\n'), note);
      assert.equal(posts(), before + 1);
      await page.goBack();
      assert.match(await page.textContent('main'), /sent only once/);
      assert.equal(posts(), before + 1);
    });
  });

  test('a file is sent by the browser once more, as the page says', async () => {
    const file = join(folder, 'picture.png');
    writeFileSync(file, Buffer.alloc(200_000, 7));
    await withNotes((page) => page.getByLabel('File').setInputFiles(file), async (page, context) => {
      const before = posts();
      await page.getByRole('button', { name: 'Send the file' }).click();
      assert.match(await page.textContent('main'), /your browser still has it/);
      const [tab] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: 'Sign in' }).click()]);
      await tab.waitForURL(`${stack.publicUrl}/oidc_resume`);
      assert.match(await tab.textContent('main'), /Close this tab/);
      await tab.close();
      await page.reload();
      const cells = await page.locator('td').allTextContents();
      assert.deepEqual(cells.slice(0, 2), ['alice', 'multipart/form-data']);
      assert.ok(Number(cells[2]) > 200_000, cells.join());
      assert.equal(posts(), before + 1);
    });
  });
});
