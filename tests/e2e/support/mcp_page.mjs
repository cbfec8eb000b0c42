// The script of a page that is a client of the Model Context Protocol: `?server=` is whose tool it calls, and what comes
// of it becomes the page's text. Bundled by the test that serves it.

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const asked = new URLSearchParams(location.search);
const read = (name) => JSON.parse(sessionStorage.getItem(name) ?? 'null') ?? undefined;
const keep = (name) => (value) => sessionStorage.setItem(name, JSON.stringify(value));

const user = {
  redirectUrl: `${location.origin}/`,
  clientMetadata: { redirect_uris: [`${location.origin}/`], token_endpoint_auth_method: 'none' },
  clientInformation: () => ({ client_id: CLIENT_ID }),
  tokens: () => read('tokens'),
  saveTokens: keep('tokens'),
  codeVerifier: () => read('verifier'),
  saveCodeVerifier: keep('verifier'),
  redirectToAuthorization: (url) => location.assign(url),
};

async function whoami() {
  if (asked.has('server')) keep('server')(asked.get('server'));
  const transport = () => new StreamableHTTPClientTransport(new URL(read('server')), { authProvider: user });
  if (asked.has('code')) await transport().finishAuth(asked.get('code'));
  const client = new Client({ name: 'a page', version: '1' });
  await client.connect(transport());
  const { content: [{ text }] } = await client.callTool({ name: 'whoami', arguments: {} });
  return text;
}

whoami().then(
  (text) => (document.body.textContent = text),
  // Then the page is on its way to the authorization server.
  (error) => error instanceof UnauthorizedError || (document.body.textContent = `failed: ${error}`),
);
