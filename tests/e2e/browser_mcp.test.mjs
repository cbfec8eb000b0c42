// A client of the Model Context Protocol that runs in a page of another site: what the browser lets it read is enough to
// find the way in.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium as driver } from 'playwright-core';
import { ARGUMENTS, chromium } from '../../scripts/chromium.mjs';
import { KNOWN, SCOPE, startGuarded } from './support/mcp.mjs';

let stack;
let site;
let browser;
before(async () => {
  site = await startSite();
  stack = await startGuarded({ format: 'jwt', vars: { OIDC_ACCESS_TOKENS: 'jwt' }, redirectUri: `${site.url}/` });
  browser = await driver.launch({ executablePath: await chromium(), args: ARGUMENTS });
});
after(async () => {
  await browser?.close();
  await stack?.close();
  await site?.close();
});

/** The site with the page. */
async function startSite() {
  const { outputFiles: [script] } = await build({
    entryPoints: [fileURLToPath(new URL('support/mcp_page.mjs', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    define: { CLIENT_ID: JSON.stringify(KNOWN) },
  });
  const server = createServer((request, response) => {
    if (request.url === '/script.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(script.contents);
    return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>A client</title><body><script type="module" src="/script.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://localhost:${server.address().port}`, close: () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }) };
}

describe('in Chromium a page of another site', () => {
  test('finds the way to a guarded MCP server, and calls its tool', async () => {
    const context = await browser.newContext();
    context.setDefaultTimeout(15_000);
    try {
      const page = await context.newPage();
      await page.goto(`${site.url}/?server=${encodeURIComponent(`${stack.publicUrl}/mcp`)}`);
      await page.waitForURL(`${stack.provider.issuer}/**`);
      await page.getByLabel('Name').fill('alice');
      await page.getByLabel('Password').fill('alice');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`${site.url}/?code=*`);
      await page.waitForFunction(() => document.body.textContent.trim() !== '');
      const said = await page.textContent('body');
      const headers = JSON.parse(said.startsWith('{') ? said : assert.fail(said));
      assert.equal(headers['x-forwarded-user'], 'alice');
      assert.equal(headers['x-forwarded-client-id'], KNOWN);
      assert.equal(headers['x-forwarded-scope'], SCOPE);
      assert.equal(headers.authorization, undefined);
      assert.equal(headers.origin, site.url);
    } finally {
      await context.close();
    }
  });
});
