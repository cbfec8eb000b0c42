// What WebAssembly asks of the platform. Nothing is decided here.

/**
 * What is always asked of a request, a line each: method, URL, `Cookie`, the address it came from, and the names of all
 * headers. None of them can hold a line break.
 */
export function facts(request, url = request.url) {
  const headers = request.headers;
  let lines = `${request.method}\n${url}\n${headers.get("cookie") ?? ""}\n${headers.get("cf-connecting-ip") ?? ""}`;
  for (const name of headers.keys()) lines += `\n${name}`;
  return lines;
}

/** The body, `null` when it is longer than `limit` bytes. One that `goesOn` is read from a copy. */
export async function readBody(request, limit, goesOn) {
  return readCapped((goesOn ? request.clone() : request).body, limit);
}

/** The SHA-256 of the client's certificate, when there is one that the platform found good; else nothing. */
export function clientCertificate(request) {
  const tls = request.cf?.tlsClientAuth;
  const good = tls?.certPresented === "1" && tls.certVerified === "SUCCESS" && tls.certRevoked !== "1";
  const hex = good ? tls.certFingerprintSHA256 : undefined;
  return new Uint8Array((hex?.match(/[0-9a-f]{2}/gi) ?? []).map((byte) => parseInt(byte, 16)));
}

/** Calls the provider: `[status, content type, body]`, or the name of what went wrong. */
export async function call(url, method, headers, body, limit, timeout) {
  const init = { method, headers: new Headers(), redirect: "manual", signal: AbortSignal.timeout(timeout) };
  if (body !== undefined) init.body = body;
  try {
    for (let i = 0; i + 1 < headers.length; i += 2) init.headers.set(headers[i], headers[i + 1]);
    const response = await fetch(url, init);
    const bytes = await readCapped(response.body, limit);
    return bytes === null ? "too_large" : [response.status, response.headers.get("content-type"), bytes];
  } catch (error) {
    return error?.name === "TimeoutError" || error?.name === "AbortError" ? "timeout" : "unreachable";
  }
}

/** All bytes of a stream, `null` when there are more than `limit`. */
async function readCapped(stream, limit) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.byteLength;
    if (length > limit) return null;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

const hashed = (name, bits) => ({ name, hash: `SHA-${bits}` });
const pss = (bits) => ({ ...hashed("RSA-PSS", bits), saltLength: bits / 8 });
const ecdsa = (namedCurve, bits) => ({ ...hashed("ECDSA", bits), namedCurve });
const ALGORITHMS = {
  RS256: hashed("RSASSA-PKCS1-v1_5", 256),
  RS384: hashed("RSASSA-PKCS1-v1_5", 384),
  RS512: hashed("RSASSA-PKCS1-v1_5", 512),
  PS256: pss(256),
  PS384: pss(384),
  PS512: pss(512),
  ES256: ecdsa("P-256", 256),
  ES384: ecdsa("P-384", 384),
  ES512: ecdsa("P-521", 512),
  EdDSA: { name: "Ed25519" },
};

/** Keys that have been imported, by their names; never more than so many, the oldest gives way. */
const imported = new Map();
const MAX_IMPORTED = 32;

/** Whether the signature is good, by a key that has been imported before; nothing when it has not. */
export function verifyKnown(name, alg, message, signature) {
  const key = imported.get(name);
  return key === undefined ? undefined : crypto.subtle.verify(ALGORITHMS[alg], key, signature, message);
}

/** The same by a new key; rejects when it can't be used. */
export async function verify(name, alg, jwk, message, signature) {
  const algorithm = ALGORITHMS[alg];
  // Both lie in memory that may move while the key is imported.
  const [signed, proof] = [message.slice(), signature.slice()];
  const key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), algorithm, false, ["verify"]);
  if (imported.size >= MAX_IMPORTED) imported.delete(imported.keys().next().value);
  imported.set(name, key);
  return crypto.subtle.verify(algorithm, key, proof, signed);
}

/** The operator's own keys, imported: as many as the settings name. */
const signingKeys = new Map();

/** The signature of the message; rejects when the key can't be used. */
export async function sign(alg, jwk, message) {
  const algorithm = ALGORITHMS[alg];
  const bytes = message.slice();
  let key = signingKeys.get(jwk);
  if (key === undefined) {
    key = await crypto.subtle.importKey("jwk", JSON.parse(jwk), algorithm, false, ["sign"]);
    signingKeys.set(jwk, key);
  }
  return crypto.subtle.sign(algorithm, key, bytes);
}

/** Whether code in this Worker is the origin. */
let isHandled = false;

export function handledHere() {
  isHandled = true;
}

/** The variables that are ours as JSON, and which bindings are there. */
export function settings(env) {
  const has = (name, method) => typeof env[name]?.[method] === "function";
  const bindings = {
    kv: has("OIDC_CREDENTIALS", "put"),
    durable: has("OIDC_SESSIONS", "idFromName"),
    rate_limit: has("OIDC_RATE_LIMIT", "limit"),
    origin: isHandled || has("ORIGIN", "fetch"),
    metrics: has("OIDC_METRICS", "writeDataPoint"),
  };
  const bound = {
    OIDC_CREDENTIALS: bindings.kv,
    OIDC_SESSIONS: bindings.durable,
    OIDC_RATE_LIMIT: bindings.rate_limit,
    OIDC_METRICS: bindings.metrics,
  };
  const variables = {};
  for (const name of Object.keys(env)) {
    const ours = name.startsWith("OIDC_") || name === "OVERWRITE_REDIRECT_URI";
    if (ours && !bound[name]) variables[name] = env[name];
  }
  return JSON.stringify({ variables, bindings });
}

/** What comes of a promise, unless it takes longer than so many milliseconds. */
export function within(patience, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DOMException("too slow", "TimeoutError")), patience);
    const after = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    promise.then(after(resolve), after(reject));
  });
}

/** Bytes, `null` when there are none. */
export async function kvLoad(env, key, patience) {
  const value = await within(patience, env.OIDC_CREDENTIALS.get(key, "arrayBuffer"));
  return value && new Uint8Array(value);
}

export function kvSave(env, key, value, ttl, patience) {
  return within(patience, env.OIDC_CREDENTIALS.put(key, value.slice(), { expirationTtl: ttl }));
}

/** The bytes that the Durable Object of a key answers with; `fields` are names and values in turn, a line each. */
export async function askVault(env, key, operation, fields, body, patience) {
  const headers = new Headers();
  const lines = fields.split("\n");
  for (let i = 0; i + 1 < lines.length; i += 2) headers.set(lines[i], lines[i + 1]);
  const vaults = env.OIDC_SESSIONS;
  const vault = vaults.get(vaults.idFromName(key));
  const asked = vault.fetch(`https://vault/${operation}`, { method: "POST", headers, body: body?.slice() });
  const answer = await within(patience, asked);
  if (answer.status !== 200) throw new Error("refused");
  return new Uint8Array(await within(patience, answer.arrayBuffer()));
}

/** The location's cache: one of our own, which no request can read. */
const nearby = () => caches.open("edge-oidc");

/** Bytes, `null` when there are none. */
export async function recall(url, patience) {
  const found = await within(patience, nearby().then((cache) => cache.match(url)));
  return found ? new Uint8Array(await within(patience, found.arrayBuffer())) : null;
}

export async function keep(url, value, ttl, patience) {
  const kept = new Response(value.slice(), { headers: { "cache-control": `max-age=${ttl}` } });
  return within(patience, nearby().then((cache) => cache.put(url, kept)));
}

/** It is part of the platform and answers at once; should it not, in milliseconds, everybody is let through. */
const LIMITER_TIMEOUT = 2000;

/** Whether the rate limit lets a caller through; without one everybody is. */
export async function allows(env, caller) {
  const limit = env.OIDC_RATE_LIMIT;
  return !limit || (await within(LIMITER_TIMEOUT, limit.limit({ key: caller }))).success;
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function log(level, line) {
  console[level](line);
}

/** Counts what a line of the log tells, where Analytics Engine is bound: the words are lines of one text. */
export function count(env, words, weight, milliseconds) {
  const blobs = words.split("\n");
  env.OIDC_METRICS?.writeDataPoint?.({ indexes: [blobs[0]], blobs, doubles: [weight, milliseconds] });
}

/** How often an instance of the WebAssembly module has begun or panicked: what one knew is gone with it. */
export let instances = 0;

/** How to tell those who wait for WebAssembly that their instance is gone; of more than so many the first are not told. */
const waiting = new Set();
const MOST_WAITING = 1000;

/** What comes of a promise of WebAssembly's, which by itself is never settled once its instance has panicked. */
export function whileItLives(promise) {
  return new Promise((resolve, reject) => {
    if (waiting.size >= MOST_WAITING) waiting.delete(waiting.values().next().value);
    waiting.add(reject);
    const after = (settle) => (value) => {
      waiting.delete(reject);
      settle(value);
    };
    promise.then(after(resolve), after(reject));
  });
}

/** A new instance begins, or the one there is has panicked. */
export function instanceChanged() {
  instances += 1;
  for (const reject of waiting) reject(new WebAssembly.RuntimeError("panic"));
  waiting.clear();
}
