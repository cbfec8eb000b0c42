// An OpenID Provider to try the Worker with: npm oidc-provider with its own login form, demo accounts and
// keys that live as long as the process. Not for real users: the passwords are printed on the terminal.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { escapeHtml, page } from './page.mjs';

/** Who can sign in: name -> password, claims, and how strongly the provider knows them when a client asks (`acr`). */
export const ACCOUNTS = {
  alice: {
    password: 'alice',
    acr: 'strong',
    claims: { sub: 'alice', name: 'Alice Adams', preferred_username: 'alice', email: 'alice@example.com', email_verified: true, groups: ['staff', 'admins'] },
  },
  bob: {
    password: 'bob',
    claims: { sub: 'bob', name: 'Bob Brown', preferred_username: 'bob', email: 'bob@example.com', email_verified: true, groups: ['staff'] },
  },
  carol: {
    password: 'carol',
    claims: { sub: 'carol', name: 'Carol Çelik', preferred_username: 'carol', email: 'carol@example.org', email_verified: false, groups: [] },
  },
};

const HOUR = 3600;

/**
 * Starts a provider on 127.0.0.1 and resolves to `{ issuer, provider, down, close }`; while `down` is true, it answers nobody.
 *
 * `clients` are oidc-provider client metadata, or a function of the issuer that returns them.
 * `registration` lets clients register themselves: `true`, or `{ initialAccessToken }` that they must have.
 * `configure(configuration)` may change oidc-provider's configuration before it starts.
 * `onRequest(request, response)` sees every HTTP request first.
 */
export async function startProvider({ port = 0, clients = [], accounts = ACCOUNTS, registration, configure, onRequest } = {}) {
  const { default: Provider, interactionPolicy } = await quietly(() => import('oidc-provider'));
  const server = createServer();
  await listen(server, port);
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const configuration = configurationOf(typeof clients === 'function' ? clients(issuer) : clients, accounts);
  configuration.interactions.policy = stepUpPolicy(interactionPolicy);
  if (registration) Object.assign(configuration.features, registrationFeatures(registration));
  configure?.(configuration);
  const provider = await quietly(() => new Provider(issuer, configuration));
  const answer = provider.callback();

  const running = { issuer, provider, down: false, close: () => closeServer(server) };
  server.on('request', (request, response) => {
    onRequest?.(request, response);
    if (running.down) return void request.socket.destroy();
    const [path] = request.url.split('?');
    if (!path.startsWith('/interaction/')) return answer(request, response);
    interact(provider, accounts, request, response).catch((error) => {
      send(response, 400, page('Sign-in can’t go on', `<p>${escapeHtml(error.message)}</p>`));
    });
  });
  return running;
}

/** The client metadata of a Worker at `publicUrl`. */
export function workerClient({ clientId = 'edge-oidc-demo', clientSecret, publicUrl, ...more }) {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    token_endpoint_auth_method: clientSecret ? 'client_secret_basic' : 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${publicUrl}/oidc_callback`],
    post_logout_redirect_uris: [`${publicUrl}/oidc_signed_out`],
    backchannel_logout_uri: `${publicUrl}/oidc_backchannel_logout`,
    backchannel_logout_session_required: true,
    ...more,
  };
}

/** Without oidc-provider's warnings of Node versions, http and memory, which help nobody who looks at a demo. */
async function quietly(work) {
  const { info, warn } = console;
  console.info = console.warn = () => {};
  try {
    return await work();
  } finally {
    Object.assign(console, { info, warn });
  }
}

function configurationOf(clients, accounts) {
  return {
    clients,
    acrValues: ['strong'],
    jwks: { keys: [signingKey('RS256'), signingKey('ES256')] },
    cookies: { keys: [randomBytes(32).toString('base64url')], names: { session: 'provider_session', interaction: 'provider_interaction', resume: 'provider_resume' } },
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    // The claims of the scopes go into the ID token too, as many providers do it.
    conformIdTokenClaims: false,
    findAccount: (_context, name) => Object.hasOwn(accounts, name) && {
      accountId: name,
      claims: () => accounts[name].claims,
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant: grantEverything,
    issueRefreshToken: (_context, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('openid'),
    pkce: { required: () => true },
    // Its clients are on this machine, where oidc-provider sends no logout token by itself.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    renderError: (context, out) => {
      context.type = 'html';
      context.body = page('The provider refuses', `<p>${escapeHtml(out.error)}: ${escapeHtml(out.error_description ?? '')}</p>`);
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => client.clientId === token.clientId },
      rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
    },
    ttl: { AccessToken: HOUR, AuthorizationCode: 60, IdToken: HOUR, RefreshToken: 24 * HOUR, Interaction: HOUR, Session: 24 * HOUR, Grant: 24 * HOUR },
  };
}

/** Dynamic registration, and its management with a new token at each change (RFC 7591, RFC 7592). */
function registrationFeatures({ initialAccessToken }) {
  return {
    registration: { enabled: true, initialAccessToken },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
  };
}

function signingKey(alg) {
  const { privateKey } = alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `demo-${alg.toLowerCase()}-${randomBytes(4).toString('hex')}` };
}

/** Whoever is asked for a stronger sign-in than theirs signs in once more. */
function stepUpPolicy({ base, Check }) {
  const policy = base();
  policy.get('login').checks.add(new Check('acr', 'a stronger sign-in is asked for', 'login_required', ({ oidc }) => {
    const wanted = oidc.params.acr_values?.split(' ') ?? [];
    const isShort = wanted.length > 0 && !wanted.includes(oidc.acr) && !oidc.result?.login;
    return isShort ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  }));
  return policy;
}

/** No consent screen: whoever signs in has agreed to all that the client asks for. */
async function grantEverything(context) {
  const { oidc } = context;
  const known = oidc.result?.consent?.grantId ?? oidc.session.grantIdFor(oidc.client.clientId);
  const grant = (known && (await oidc.provider.Grant.find(known))) ?? new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
  grant.addOIDCScope([...oidc.requestParamScopes].join(' '));
  grant.addOIDCClaims([...oidc.requestParamClaims]);
  for (const resource of Object.keys(oidc.resourceServers ?? {})) {
    grant.addResourceScope(resource, [...oidc.requestParamScopes].join(' '));
  }
  await grant.save();
  return grant;
}

async function interact(provider, accounts, request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response);
  if (prompt.name !== 'login') {
    return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
  }
  if (request.method !== 'POST') return send(response, 200, loginPage({ name: params.login_hint }));

  const form = await readForm(request);
  if (form.has('cancel')) {
    const refusal = { error: 'access_denied', error_description: 'the visitor has cancelled' };
    return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  }
  const name = form.get('name') ?? '';
  if (!Object.hasOwn(accounts, name) || accounts[name].password !== form.get('password')) {
    return send(response, 401, loginPage({ name, problem: 'No account has this name and password.' }));
  }
  const acr = params.acr_values ? accounts[name].acr : undefined;
  return provider.interactionFinished(request, response, { login: { accountId: name, acr } }, { mergeWithLastSubmission: false });
}

function loginPage({ name = '', problem }) {
  return page('Sign in at the demo provider', `
${problem ? `<p role="alert">${escapeHtml(problem)}</p>` : ''}
<form method="post">
  <label>Name <input name="name" value="${escapeHtml(name)}" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button type="submit">Sign in</button>
  <button type="submit" name="cancel" value="1" formnovalidate>Cancel</button>
</form>`);
}

function logoutSource(context, form) {
  context.body = page('Sign out at the demo provider?', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button type="submit" form="op.logoutForm">Stay signed in</button>`);
}

function postLogoutSuccessSource(context) {
  context.body = page('Signed out', '<p>The demo provider has forgotten you.</p>');
}

function send(response, status, html) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(html);
}

async function readForm(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function closeServer(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
