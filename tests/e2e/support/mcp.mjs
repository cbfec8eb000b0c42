// The Model Context Protocol at both ends, by its official SDK: a server that knows nothing of OAuth, and a client that
// does all of it itself.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { startStack } from './stack.mjs';
import { Visitor } from './visitor.mjs';

/** What the guarded server's tools need. */
export const SCOPE = 'tools:call';
const SCOPES = `tools:list ${SCOPE}`;
/** A client that has been registered by hand, and may ask for every scope. */
export const KNOWN = 'known-client';
const VERSION = { name: 'edge-oidc-tests', version: '1' };
const SESSION = 'mcp-session-id';
/** Clients in pages of every site may come. */
const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version',
  'Access-Control-Expose-Headers': 'Mcp-Session-Id',
};

/**
 * Starts a server with the tool `whoami`, which says what headers its caller came with. Resolves to `{ url, requests,
 * close }`; `requests` are those that got through, as `{ method, target, headers }`.
 */
export async function startMcpServer() {
  const requests = [];
  const transports = new Map();
  const server = createServer(async (request, response) => {
    requests.push({ method: request.method, target: request.url, headers: request.headers });
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const transport = transports.get(request.headers[SESSION]) ?? await newSession(transports);
    await transport.handleRequest(request, response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: async () => {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function newSession(transports) {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => transports.set(id, transport),
  });
  const server = new McpServer(VERSION);
  server.registerTool('whoami', { description: 'Says who is calling.' }, ({ requestInfo }) => ({
    content: [{ type: 'text', text: JSON.stringify(requestInfo.headers) }],
  }));
  await server.connect(transport);
  return transport;
}

/** Tokens for whatever resource a client names, in that format. */
function apiTokens(accessTokenFormat, redirectUri) {
  return (configuration) => {
    configuration.scopes = ['openid', 'offline_access', ...SCOPES.split(' ')];
    configuration.clients.push({ ...MCP_CLIENT, client_id: KNOWN, redirect_uris: [redirectUri] });
    configuration.clientBasedCORS = () => true;
    configuration.features.resourceIndicators = {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({ scope: SCOPES, audience: resource, accessTokenFormat, jwt: { sign: { alg: 'ES256' } } }),
      useGrantedResource: () => true,
    };
  };
}

/**
 * Starts an MCP server behind the Worker, with more `vars`; the provider issues tokens of that `format`, and KNOWN comes
 * back to `redirectUri`. A browser's question whether a page may ask (Fetch §3.2.2) brings no token: the server answers it.
 */
export async function startGuarded({ format, vars, redirectUri = MCP_CLIENT.redirect_uris[0] }) {
  const server = await startMcpServer();
  try {
    const stack = await startStack({
      provider: { registration: true, configure: apiTokens(format, redirectUri) },
      vars: (publicUrl) => ({
        OIDC_ORIGIN: server.url,
        OIDC_RESOURCE_SERVER_ONLY: true,
        OIDC_AUDIENCE: [`${publicUrl}/mcp`],
        OIDC_RULES: [
          { path: '/mcp/*', methods: ['OPTIONS'], access: 'public' },
          { path: '/mcp/*', access: 'token', scopes: [SCOPE] },
          { path: '/*', access: 'deny' },
        ],
        ...vars,
      }),
    });
    return { ...stack, server, close: () => Promise.all([stack.close(), server.close()]) };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** What a client on somebody's machine says of itself. */
export const MCP_CLIENT = {
  client_name: 'A client that nobody has heard of',
  redirect_uris: ['http://localhost:1/callback'],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
};

/** Such a client: it registers itself, and sends its user to the authorization server. */
export class McpUser {
  redirectUrl = MCP_CLIENT.redirect_uris[0];
  clientMetadata = MCP_CLIENT;
  /** Every request of the client, in order, as `{ method, url, status, headers, authorization }`. */
  requests = [];
  #kept = {};
  #authorizationUrl;

  constructor(url, name = 'alice') {
    this.url = new URL(url);
    this.name = name;
  }

  clientInformation() { return this.#kept.client; }
  saveClientInformation(client) { this.#kept.client = client; }
  tokens() { return this.#kept.tokens; }
  saveTokens(tokens) { this.#kept.tokens = tokens; }
  codeVerifier() { return this.#kept.verifier; }
  saveCodeVerifier(verifier) { this.#kept.verifier = verifier; }
  redirectToAuthorization(url) { this.#authorizationUrl = url; }

  /** Where the client has sent its user. */
  get authorizationUrl() { return this.#authorizationUrl; }

  /** Connects with the tokens that are there. Rejects when somebody has to sign in first. */
  async connect() {
    const transport = this.#transport();
    const client = new Client(VERSION);
    await client.connect(transport);
    return { call: (tool) => client.callTool({ name: tool, arguments: {} }), tools: () => client.listTools(), close: () => client.close() };
  }

  /** The user signs in where the client has sent them, and the client redeems what comes of it. */
  async authorize() {
    const browser = new Visitor(this.#authorizationUrl.origin);
    const back = { until: (url) => url.startsWith(this.redirectUrl) };
    const form = await browser.open(this.#authorizationUrl.href, back);
    const { next } = form.next ? form : await browser.submit(form, { name: this.name, password: this.name }, back);
    await this.#transport().finishAuth(new URL(next).searchParams.get('code'));
  }

  #transport() {
    return new StreamableHTTPClientTransport(this.url, { authProvider: this, fetch: (url, options) => this.#fetch(url, options) });
  }

  async #fetch(url, options = {}) {
    const response = await fetch(url, options);
    this.requests.push({
      method: options.method ?? 'GET',
      url: String(url),
      status: response.status,
      headers: Object.fromEntries(response.headers),
      authorization: new Headers(options.headers).get('authorization'),
    });
    return response;
  }
}
