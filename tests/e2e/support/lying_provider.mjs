// A provider by the book, that lies in one place at a time.

import { constants, createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

export const CLIENT_ID = 'edge-oidc-demo';
export const CLIENT_SECRET = 'client-secret-for-tests-only';

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const RAW = { dsaEncoding: 'ieee-p1363' };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521, ed25519, stranger] = [ec('P-256'), ec('P-384'), ec('P-521'), generateKeyPairSync('ed25519'), generateKeyPairSync('rsa', { modulusLength: 2048 })];

/** RFC 7518 §3.1, RFC 8037 §3.1: the key, its name, and how it signs. */
export const ALGORITHMS = {
  RS256: { pair: rsa, kid: 'rsa', hash: 'sha256', options: {} },
  RS384: { pair: rsa, kid: 'rsa', hash: 'sha384', options: {} },
  RS512: { pair: rsa, kid: 'rsa', hash: 'sha512', options: {} },
  PS256: { pair: rsa, kid: 'rsa', hash: 'sha256', options: PSS },
  PS384: { pair: rsa, kid: 'rsa', hash: 'sha384', options: PSS },
  PS512: { pair: rsa, kid: 'rsa', hash: 'sha512', options: PSS },
  ES256: { pair: p256, kid: 'p256', hash: 'sha256', options: RAW },
  ES384: { pair: p384, kid: 'p384', hash: 'sha384', options: RAW },
  ES512: { pair: p521, kid: 'p521', hash: 'sha512', options: RAW },
  EdDSA: { pair: ed25519, kid: 'ed25519', hash: null, options: {} },
};

const base64url = (data) => Buffer.from(data).toString('base64url');
const json = (value) => base64url(JSON.stringify(value));

/** The signature of `input` under one of `ALGORITHMS`; `changes` are other options, or another key. */
export function signatureOf(alg, input, changes = {}) {
  const { pair, hash, options } = ALGORITHMS[alg];
  return sign(hash, Buffer.from(input), { key: pair.privateKey, ...options, ...changes });
}

/** A signed token of this header and these claims. */
export function token(alg, header, claims) {
  const input = `${json(header)}.${json(claims)}`;
  return `${input}.${base64url(signatureOf(alg, input))}`;
}

/** What is wrong with an ID token: each takes `{ alg, header, claims }` and returns a token. */
export const idToken = {
  claim: (name, value) => ({ alg, header, claims }) => token(alg, header, { ...claims, [name]: value }),
  without: (name) => ({ alg, header, claims: { [name]: _, ...claims } }) => token(alg, header, claims),
  header: (name, value) => ({ alg, header, claims }) => token(alg, { ...header, [name]: value }, claims),
  unsigned: ({ claims }) => `${json({ alg: 'none' })}.${json(claims)}.`,
  /** Signed as `alg` says, whatever was announced. */
  as: (alg) => ({ claims }) => token(alg, { alg, kid: ALGORITHMS[alg].kid }, claims),
  keyedBy: (secret) => ({ header, claims }) => {
    const input = `${json({ ...header, alg: 'HS256' })}.${json(claims)}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  },
  /** The honest content under another signature, which `make` makes of the input and the algorithm. */
  signed: (make) => ({ alg, header, claims }) => {
    const input = `${json(header)}.${json(claims)}`;
    return `${input}.${base64url(make(input, alg))}`;
  },
  /** The honest signature under other claims. */
  swapped: ({ alg, header, claims }) => `${json(header)}.${json({ ...claims, sub: 'admin' })}.${token(alg, header, claims).split('.')[2]}`,
  /** The payload's text is another, and properly signed. */
  payload: (change) => ({ alg, header, claims }) => {
    const input = `${json(header)}.${base64url(change(JSON.stringify(claims)))}`;
    return `${input}.${base64url(signatureOf(alg, input))}`;
  },
};

/** The public RSA key as everybody can have it. */
export const PUBLIC_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' });
export const STRANGER = stranger;

/**
 * Starts a provider on 127.0.0.1 and resolves to `{ issuer, requests, lies, alg, announced, authorize, close }`.
 *
 * `requests`: the paths that were asked for. `alg`: what it signs with. `lies`: `idToken` makes the ID token;
 * `edit[path]` changes the JSON of an answer; `answer[path]` answers instead, and gets the response.
 */
export async function startLyingProvider() {
  const provider = { requests: [], lies: {}, alg: 'RS256', announced: Object.keys(ALGORITHMS) };
  const grants = new Map();
  const sockets = new Set();
  const server = createServer(async (request, response) => {
    const path = request.url.split('?')[0];
    provider.requests.push(path);
    response.on('error', () => {});
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const lie = provider.lies.answer?.[path];
    if (lie) return lie(response);
    const body = answers[path]?.(new URLSearchParams(Buffer.concat(chunks).toString()), request);
    if (!body) return response.writeHead(404).end();
    const said = provider.lies.edit?.[path]?.(body) ?? body;
    response.writeHead(body.error ? 400 : 200, { 'Content-Type': 'application/json' }).end(JSON.stringify(said));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;

  const answers = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      id_token_signing_alg_values_supported: provider.announced,
    }),
    '/jwks': () => ({
      keys: [rsa, p256, p384, p521, ed25519].map(({ publicKey }, index) => ({ ...publicKey.export({ format: 'jwk' }), kid: ['rsa', 'p256', 'p384', 'p521', 'ed25519'][index] })),
    }),
    '/token': (sent) => {
      const grant = grants.get(sent.get('code'));
      grants.delete(sent.get('code'));
      const proven = grant && createHash('sha256').update(sent.get('code_verifier') ?? '').digest('base64url') === grant.challenge;
      if (!proven) return { error: 'invalid_grant' };
      const accessToken = randomBytes(16).toString('hex');
      const { kid, hash } = ALGORITHMS[provider.alg];
      const digest = createHash(hash ?? 'sha512').update(accessToken).digest();
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: issuer, aud: CLIENT_ID, sub: 'alice', iat: now, exp: now + 3600, nonce: grant.nonce, at_hash: base64url(digest.subarray(0, digest.length / 2)) };
      const header = { alg: provider.alg, kid };
      const make = provider.lies.idToken ?? (() => token(provider.alg, header, claims));
      return { access_token: accessToken, token_type: 'Bearer', expires_in: 600, id_token: make({ alg: provider.alg, header, claims }) };
    },
    '/userinfo': () => ({ sub: 'alice', email: 'alice@example.com' }),
  };

  return Object.assign(provider, {
    issuer,
    /** The authorization endpoint: the visitor agrees at once. Returns where the browser is sent back to. */
    authorize: (location) => {
      const sent = new URL(location).searchParams;
      const code = randomBytes(8).toString('hex');
      grants.set(code, { nonce: sent.get('nonce'), challenge: sent.get('code_challenge') });
      return `${sent.get('redirect_uri')}?${new URLSearchParams({ code, state: sent.get('state') })}`;
    },
    close: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  });
}
