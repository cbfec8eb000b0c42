// How an origin knows that a request came through the Worker. Plain Web APIs: it runs in Node, Deno, Bun and Workers.
//
// An assertion (`OIDC_ASSERTION`) is a JWT in one header: who is asking, for this method and address. A message
// signature (`signature = true` in it, RFC 9421) covers the request line and every header that the Worker has set.

/** How far the clocks may differ, in seconds. */
const LEEWAY = 30;
/** A key that is not known is looked for again, but not more often than this, in milliseconds. */
const RELOAD_AFTER = 10_000;

const ALGORITHMS = {
  ES256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, verify: { name: 'ECDSA', hash: 'SHA-256' }, message: 'ecdsa-p256-sha256' },
  EdDSA: { import: { name: 'Ed25519' }, verify: { name: 'Ed25519' }, message: 'ed25519' },
};

/**
 * `worker` is the site's public URL, `audience` what the assertions are for: this origin's URL, unless the settings
 * name another. Both functions take a request as `{ method, url, headers }`, with the URL as this origin was asked for
 * it and `headers` of the kind that `fetch` has. They throw an `Error` that says what is wrong.
 */
export function createVerifier({ worker, audience, header = 'x-forwarded-assertion', fetch = globalThis.fetch }) {
  const keys = keysOf(`${worker}/oidc_jwks`, fetch);
  const used = usedOnce();

  /** The claims of the assertion. */
  async function assertion({ method, url, headers }) {
    const [head, payload, signature, ...more] = (headers.get(header) ?? '').split('.');
    expect(signature && more.length === 0, 'there is no assertion');
    const { alg, kid } = json(head);
    expect(await isSigned(await keys(kid), alg, utf8(`${head}.${payload}`), bytes(signature)), 'the assertion is signed by nobody we know');
    const claims = json(payload);
    const { origin, pathname } = new URL(url);
    expect(claims.iss === worker, 'the assertion is of another site');
    expect(claims.aud === audience, 'the assertion is for somebody else');
    expect(claims.htm === method && claims.htu === origin + pathname, 'the assertion is for another request');
    expectTimely(claims.iat, claims.exp);
    expect(used(`assertion ${claims.jti}`, claims.exp), 'the assertion has been used');
    return claims;
  }

  /** The names of the headers that are covered, in lower case: those and no others come from the Worker. */
  async function message({ method, url, headers }) {
    const [, input] = (headers.get('signature-input') ?? '').match(/^edge-oidc=(\([^()]*\);[^,]*)$/) ?? [];
    const [, signature] = (headers.get('signature') ?? '').match(/^edge-oidc=:([A-Za-z0-9+/=]+):$/) ?? [];
    expect(input && signature, 'there is no signature');
    const covered = [...input.slice(0, input.indexOf(')')).matchAll(/"([^"]*)"/g)].map(([, name]) => name);
    for (const name of ['@method', '@authority', '@path', '@query']) expect(covered.includes(name), `${name} is not signed`);
    const parameter = (name) => input.match(new RegExp(`;${name}="?([^";]*)"?`))?.[1];
    const { host, pathname, search } = new URL(url);
    const request = { '@method': method, '@authority': host, '@path': pathname, '@query': search || '?' };
    const base = [...covered.map((name) => `"${name}": ${request[name] ?? headers.get(name)}`), `"@signature-params": ${input}`].join('\n');
    const key = await keys(parameter('keyid'));
    expect(key && ALGORITHMS[key.alg]?.message === parameter('alg'), 'the key is for another algorithm');
    expect(await isSigned(key, key.alg, utf8(base), bytes(signature)), 'the request was signed by nobody we know, or changed');
    expectTimely(Number(parameter('created')), Number(parameter('expires')));
    expect(used(`message ${parameter('nonce')}`, Number(parameter('expires'))), 'the request has been sent before');
    return covered.filter((name) => !name.startsWith('@'));
  }

  return { assertion, message };
}

async function isSigned(key, alg, message, signature) {
  // The key says what it is for; the token's own word is held against it and not believed.
  if (!key || key.alg !== alg || !ALGORITHMS[alg]) return false;
  const imported = await crypto.subtle.importKey('jwk', key, ALGORITHMS[alg].import, false, ['verify']);
  return crypto.subtle.verify(ALGORITHMS[alg].verify, imported, signature, message);
}

/** The published keys, kept; loaded again when one is asked for that is not among them. */
function keysOf(url, fetch) {
  let known = [];
  let loaded = -Infinity;
  return async (kid) => {
    const find = () => known.find((key) => key.kid === kid);
    if (!find() && Date.now() - loaded > RELOAD_AFTER) {
      loaded = Date.now();
      known = (await (await fetch(url)).json()).keys;
    }
    return find();
  };
}

/** Whether an id is new. With several servers, keep these where all of them look. */
function usedOnce() {
  const ids = new Map();
  return (id, expires) => {
    for (const [old, until] of ids) if (until < Date.now() / 1000 - LEEWAY) ids.delete(old);
    return !ids.has(id) && Boolean(ids.set(id, expires));
  };
}

function expectTimely(from, until) {
  const now = Date.now() / 1000;
  expect(from - LEEWAY <= now && now <= until + LEEWAY, 'it is too old, or from the future');
}

function expect(truth, otherwise) {
  if (!truth) throw new Error(otherwise);
}

const utf8 = (text) => new TextEncoder().encode(text);
const bytes = (base64) => Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.codePointAt(0));
const json = (base64) => JSON.parse(new TextDecoder().decode(bytes(base64)));
