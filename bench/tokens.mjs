#!/usr/bin/env node
// The processor time of one request with an access token, beside a request with a session and beside npm jose.

import { startStack } from '../tests/e2e/support/stack.mjs';
import { startWorker } from '../tests/e2e/support/workerd.mjs';
import { bundled } from './lib/contenders.mjs';
import { circumstances, load, versionsOf, writeResult } from './lib/machine.mjs';
import { requireProc } from './lib/process.mjs';
import { CONCURRENCY, PAGE, measured, parsed, show, signedIn, startBareOrigin, summary } from './lib/rounds.mjs';
import { Failure, say, script, withProgress } from '../scripts/lib/terminal.mjs';

const HELP = `
Usage: npm run bench -- tokens [--rounds N] [--requests N]

Processor time of workerd (user and kernel) for each request: with a session cookie; with an access token that has
been introspected before; with a JWT access token that is known, and one that is verified anew each time, RS256 and
ES256; and the same JWTs in a Worker in JavaScript with npm jose (bench/contenders/jose.mjs). The rounds are interleaved; of each
contender the median counts, and its ratio to the session's. Takes about two minutes on 2 cores; writes
bench/results/tokens.json. There is no pass or fail.

  --rounds N     for each contender; 15 unless told
  --requests N   for each round; 2500 unless told
  --help         this text
`;

const PATIENCE_MS = 15 * 60_000;
const HOUR = 3600;
const AUDIENCES = { rs256: 'https://rs256.example', es256: 'https://es256.example', opaque: 'https://opaque.example' };

await script(HELP, async () => {
  const options = parsed('tokens', { rounds: 15, requests: 2500 });
  requireProc();
  const deadline = Date.now() + PATIENCE_MS;
  const began = { ...circumstances(), load_before: load() };
  const closing = [];
  try {
    const contenders = await started(closing);
    const start = Date.now();
    const rounds = await withProgress(`${options.rounds} rounds of ${options.requests} requests for each of ${contenders.length}`, (report) =>
      measured(contenders, options, deadline, report));
    const results = summary(rounds, 'session');
    show('Processor time of one request', results, Date.now() - start);
    const { rounds: count, requests } = options;
    say(`written: ${writeResult('tokens', { ...began, load_after: load(), rounds: count, requests_a_round: requests, concurrency: CONCURRENCY, contender_versions: versionsOf('jose'), microseconds_a_request: results })}`);
  } finally {
    for (const close of closing.reverse()) await close();
  }
});

/** Each in a process of its own, before the same origin and the same provider. */
async function started(closing) {
  const origin = await startBareOrigin();
  closing.push(() => origin.close());
  const stack = await startStack({ vars: { OIDC_ORIGIN: origin.url }, provider: { configure } });
  closing.push(() => stack.close());
  const jose = await bundled('jose', closing);
  const start = async (name, options, headers) => {
    const worker = await startWorker(options);
    closing.push(() => worker.close());
    return contender(name, worker, headers);
  };
  const ours = (more) => ({
    vars: {
      OIDC_ISSUER: stack.provider.issuer, OIDC_CLIENT_ID: stack.vars.OIDC_CLIENT_ID, OIDC_CLIENT_SECRET: stack.vars.OIDC_CLIENT_SECRET,
      OIDC_ORIGIN: origin.url, OIDC_RESOURCE_SERVER_ONLY: true, OIDC_RULES: [{ path: '/*', access: 'token', scopes: ['read'] }], ...more,
    },
  });
  const theirs = (alg) => ({
    vars: { OIDC_ISSUER: stack.provider.issuer, JWKS: `${stack.provider.issuer}/jwks`, AUDIENCE: AUDIENCES[alg], OIDC_ORIGIN: origin.url },
    ...jose,
  });
  const bearer = async (kind) => ({ Accept: 'application/json', Authorization: `Bearer ${await tokenOf(stack, kind)}` });
  const contenders = [contender('session', stack.worker, { ...PAGE, Cookie: await signedIn(stack) })];
  contenders.push(await start('introspected', ours({ OIDC_ACCESS_TOKENS: 'introspection', OIDC_INTROSPECTION_CACHE_TTL: HOUR }), await bearer('opaque')));
  for (const alg of ['rs256', 'es256']) {
    const headers = await bearer(alg);
    // Nothing is remembered of a token: each one is the first.
    contenders.push(await start(`${alg} ours`, ours({ OIDC_ACCESS_TOKENS: 'jwt', OIDC_AUDIENCE: [AUDIENCES[alg]], OIDC_INTROSPECTION_CACHE_TTL: 0 }), headers));
    contenders.push(await start(`${alg} jose`, theirs(alg), headers));
    if (alg === 'rs256') contenders.push(await start('rs256 ours, known', ours({ OIDC_ACCESS_TOKENS: 'jwt', OIDC_AUDIENCE: [AUDIENCES[alg]], OIDC_INTROSPECTION_CACHE_TTL: HOUR }), headers));
  }
  return contenders;
}

function contender(name, { port, pid }, headers) {
  return { name, pid, port, headers: { ...headers, Host: `localhost:${port}` } };
}

/** An API client, and three kinds of tokens for it, by the resource that is asked for (RFC 8707). */
function configure(configuration) {
  configuration.clients.push({ client_id: 'robot', client_secret: 'robot-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post', scope: 'read' });
  configuration.scopes = ['openid', 'offline_access', 'read'];
  configuration.ttl.ClientCredentials = 24 * HOUR;
  Object.assign(configuration.features, {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, audience) => {
        const kind = Object.keys(AUDIENCES).find((name) => AUDIENCES[name] === audience);
        const jwt = kind !== 'opaque';
        return { scope: 'read', audience, accessTokenFormat: jwt ? 'jwt' : 'opaque', ...(jwt && { jwt: { sign: { alg: kind.toUpperCase() } } }) };
      },
    },
  });
}

async function tokenOf(stack, kind) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'robot', client_secret: 'robot-secret', scope: 'read', resource: AUDIENCES[kind] });
  const answer = await fetch(`${stack.provider.issuer}/token`, { method: 'POST', body });
  const { access_token: token } = await answer.json();
  if (!token) throw new Failure(`the provider gave no token of the kind ${kind}`, 'npm test -- e2e');
  return token;
}
