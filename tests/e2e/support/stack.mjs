// Everything that a test needs, on ports that the system chooses: store, origin, provider, and the Worker.

import { randomBytes } from 'node:crypto';
import { startOrigin } from '../../../demo/origin.mjs';
import { startProvider, workerClient } from '../../../demo/provider.mjs';
import { startKv } from './kv.mjs';
import { Visitor } from './visitor.mjs';
import { freePort, startWorker } from './workerd.mjs';

export const RULES = [
  { path: '/', access: 'optional' },
  { path: '/public/*', access: 'public' },
  { path: '/cache', access: 'login', cache: 'public' },
  { path: '/staff/*', access: 'login', claims: { groups: ['admins'] } },
  { path: '/admin/*', access: 'deny' },
  { path: '/*', access: 'login' },
];

export const CLIENT_SECRET = 'client-secret-for-tests-only';
export const SECRET_KEY = 'secret-key-for-tests-only-0123456789abcdef';

/**
 * Starts the stack. `vars` are added to the Worker's settings, or are a function of its public URL that returns them; a
 * setting that is `undefined` is left out.
 * `provider` goes to the provider, `client` into its client's metadata. `bound: true` puts the origin behind
 * the ORIGIN binding, `routed: true` behind the Worker's route; `rateLimit` binds OIDC_RATE_LIMIT;
 * `cf` names the header of `request.cf`. `durable: true` makes Durable Objects the store.
 * `twin` and `cache` go to the Worker.
 * `build` is the folder of another Worker than the guard, `modules` its files and kinds.
 */
export async function startStack({ vars = {}, provider: providerOptions = {}, client = {}, bound = false, routed = false, durable = false, twin, cache, rateLimit, cf, metrics, build, modules, asker } = {}) {
  const started = [];
  const close = () => Promise.all(started.map((part) => part.close()));
  const begin = async (starting) => {
    const part = await starting;
    started.push(part);
    return part;
  };
  try {
    const port = await freePort();
    const publicUrl = `http://localhost:${port}`;
    const origin = await begin(startOrigin());
    const kv = await begin(startKv());
    const providerRequests = [];
    const provider = await begin(startProvider({
      clients: [workerClient({ clientSecret: CLIENT_SECRET, publicUrl, ...client })],
      onRequest: (request) => providerRequests.push({ method: request.method, target: request.url }),
      ...providerOptions,
    }));
    const settings = {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: 'edge-oidc-demo',
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
      OIDC_SECRET_KEY: SECRET_KEY,
      OIDC_SCOPES: ['openid', 'email', 'profile', 'groups'],
      OIDC_ORIGIN: bound || routed ? undefined : origin.url,
      OIDC_RULES: RULES,
      OIDC_CREDENTIALS_STORE: durable ? 'durable' : undefined,
      ...(typeof vars === 'function' ? vars(publicUrl) : vars),
    };
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const worker = await begin(startWorker({
      port,
      vars: given,
      kv: kv.address,
      cache,
      durable,
      twin,
      rateLimit,
      cf,
      metrics,
      build,
      modules,
      asker,
      routeTo: routed ? new URL(origin.url).host : undefined,
      originBinding: bound ? new URL(origin.url).host : undefined,
    }));
    const grants = [];
    for (const outcome of ['success', 'error']) {
      provider.provider.on(`grant.${outcome}`, (context) => grants.push({ type: context.oidc.params?.grant_type, outcome }));
    }
    return {
      port,
      publicUrl,
      /** The Worker's settings, for another one of the same kind. */
      vars: given,
      origin,
      kv,
      provider,
      /** What the provider was asked, as `{ method, target }`. */
      providerRequests,
      /** What came of each request to its token endpoint, as `{ type, outcome }`. */
      grants,
      worker,
      visitor: () => new Visitor(publicUrl),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A random marker, to find again what a test has sent. */
export function marker() {
  return randomBytes(6).toString('hex');
}

/** An access token of Alice's, as the provider has issued it to some client. */
export async function accessToken({ provider }, scope) {
  const { AccessToken, Client, Grant } = provider.provider;
  const client = await Client.find('edge-oidc-demo');
  const grant = new Grant({ accountId: 'alice', clientId: client.clientId });
  grant.addOIDCScope(scope);
  return new AccessToken({ accountId: 'alice', client, grantId: await grant.save(), gty: 'authorization_code', scope }).save();
}
