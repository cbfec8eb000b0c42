// In a real browser: what was entered when the session ended is sent after all, without JavaScript but for a file.

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
async function withNotes(fill, visit, javaScriptEnabled = false) {
  const context = await browser.newContext({ baseURL: stack.publicUrl, javaScriptEnabled });
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

  test('a form whose file was not given is kept, too; one with a file says what it takes', async () => {
    const file = join(folder, 'small.txt');
    writeFileSync(file, 'small');
    await withNotes(() => {}, async (page) => {
      await page.getByRole('button', { name: 'Send the file' }).click();
      await page.waitForURL(/\/oidc_resume\?/);
      await page.getByRole('button', { name: 'Send it' }).click();
      await page.waitForURL(`${stack.publicUrl}/notes/`);
      const cells = await page.locator('td').allTextContents();
      assert.deepEqual(cells.slice(0, 2), ['alice', 'multipart/form-data']);
    });
    await withNotes((page) => page.getByLabel('File').setInputFiles(file), async (page) => {
      const before = posts();
      await page.getByRole('button', { name: 'Send the file' }).click();
      await page.waitForURL(/\/oidc_resume\?/);
      const asking = page.url();
      assert.match(await page.textContent('main'), /takes JavaScript/);
      await page.getByRole('button', { name: 'Send it' }).click();
      await page.getByText('request.form_unreadable').waitFor();
      assert.equal(posts(), before);
      await page.goto(asking);
      assert.match(await page.textContent('main'), /Send what you entered/);
    });
  });

  test('a large file is sent by the browser once more, as the page says', async () => {
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

/** A form with whatever is hard to say, in the page; the origin answers it with what has arrived. */
async function entered(page) {
  await page.evaluate(() => {
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', enctype: 'multipart/form-data', action: '/echo?bytes' });
    form.innerHTML = `<input name='quo"te %22 é&#10;x' value='"ü"'><textarea name="text">It rains.
&lt;b>Überall 🌧</textarea><input type="file" name="many" multiple><input type="file" name="none"><button name="how" value="now">Send all</button>`;
    document.body.append(form);
  });
  const files = [['qu"o%22te é 日本.PNG', Buffer.from([0, 255, 13, 10, 10, 13])], ['empty.txt', ''], ['nothing known', 'x'], ['page.html', '--\r\n</script>']];
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  await page.locator('[name=many]').setInputFiles(files.map(([name]) => join(folder, name)));
}

/** What the origin says has arrived, with another name for the boundary. */
async function arrived(page) {
  await page.waitForURL(`${stack.publicUrl}/echo?bytes`);
  const { method, headers, body } = JSON.parse(await page.textContent('body'));
  const [, type] = headers.find(([name]) => name.toLowerCase() === 'content-type');
  const [, boundary] = type.match(/^multipart\/form-data; boundary=(.+)$/);
  return { method, body: Buffer.from(body.base64, 'base64').toString('latin1').replaceAll(boundary, 'boundary') };
}

describe('in Chromium', () => {
  test('files are kept and sent as they were, with their names', async () => {
    let direct;
    await withNotes(async (page) => {
      await entered(page);
      await page.getByRole('button', { name: 'Send all' }).click();
      direct = await arrived(page);
      await page.goto('/notes/');
      await entered(page);
    }, async (page) => {
      await page.getByRole('button', { name: 'Send all' }).click();
      await page.waitForURL(/\/oidc_resume\?/);
      await page.getByRole('button', { name: 'Send it' }).click();
      assert.deepEqual(await arrived(page), direct);
      for (const part of ['filename="qu%22o%22te ', 'name="how"', '\xff\r\n\n\r', 'filename=""']) assert.ok(direct.body.includes(part), part);
    }, true);
  });
});
