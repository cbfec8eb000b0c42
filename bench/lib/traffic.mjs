// What comes in at a public site: visitors who are signed in and who are not, and what the Internet sends beside them.

import { createHash } from 'node:crypto';

const PAGE = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
const DATA = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'same-origin' };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const SESSION = '__Host-oidc_id_token';

// The last is odd, not bad: it is judged as it stands.
const BAD_PATHS = ['/a%2fb', '/a%5cb', '/%00', '/%2e%2e/private/', '/private/%252e%252e/admin/', '/..%2fadmin/', '/private/%2e/', '/%ff%fe'];
const UPLOAD = 'x'.repeat(4096);

/**
 * The kinds of requests: `share` of each hundred, the `expected` statuses, and `request(n, context)`, which makes the
 * n-th one. `context` has `cookies` (of sessions), `state(n)` for callbacks that belong to a sign-in, and `issuer`.
 */
export const KINDS = {
  'signed-in page': { share: 28, expected: [200], request: (n, { cookies }) => ({ target: `/private/?n=${n}`, headers: { ...PAGE, Cookie: pick(cookies, n) } }) },
  'signed-in data': { share: 12, expected: [200], request: (n, { cookies }) => ({ target: '/api/whoami', headers: { ...DATA, Cookie: pick(cookies, n), 'X-Forwarded-User': 'forged' } }) },
  'signed-in upload': { share: 4, expected: [200], request: (n, { cookies }) => ({ method: 'POST', target: '/echo', headers: { ...DATA, Cookie: pick(cookies, n) }, body: UPLOAD }) },
  'public page': { share: 12, expected: [200], request: (n) => ({ target: `/public/?n=${n}`, headers: PAGE }) },
  'anonymous page': { share: 12, expected: [302], request: (n) => ({ target: `/private/${junk(n, 8)}?n=${n}`, headers: PAGE }) },
  'anonymous data': { share: 4, expected: [401], request: () => ({ target: '/api/whoami', headers: DATA }) },
  'junk cookies': { share: 7, expected: [302], request: (n) => ({ target: '/private/', headers: { ...PAGE, Cookie: junkCookies(n) } }) },
  'tampered session': { share: 3, expected: [302], request: (n, { cookies }) => ({ target: '/private/', headers: { ...PAGE, Cookie: tampered(pick(cookies, n), n) } }) },
  'junk callback': { share: 6, expected: [400], request: (n) => ({ target: `/oidc_callback?code=${junk(n, 43)}&state=${junk(n + 1, 22)}`, headers: { ...PAGE, Cookie: junkCookies(n) } }) },
  // Passes the state check and asks the provider, which knows no such code.
  'callback, false code': { share: 1, expected: [502], request: (n, { state, issuer }) => callback(n, state(n), issuer) },
  'bad path': { share: 5, expected: [400, 302], request: (n) => ({ target: BAD_PATHS[n % BAD_PATHS.length], headers: PAGE }) },
  'own endpoint': { share: 5, expected: [200, 302, 400, 401, 405], request: (n, context) => ownEndpoint(n, context) },
  'denied path': { share: 1, expected: [403], request: (n, { cookies }) => ({ target: `/admin/${n}`, headers: { ...PAGE, Cookie: pick(cookies, n) } }) },
};

const ORDER = shuffled(Object.entries(KINDS).flatMap(([name, { share }]) => Array(share).fill(name)));

/** The kind of the n-th request: the same mixture in every hundred, and in every run. */
export function kindOf(n) {
  return ORDER[n % ORDER.length];
}

/** The start of a sign-in, whose answer carries a state and a login cookie. */
export const signInStart = { target: '/oidc_login?next=/private/', headers: PAGE };

function ownEndpoint(n, { cookies }) {
  const session = { Cookie: pick(cookies, n) };
  return [
    { target: '/oidc_health' },
    { target: '/oidc_userinfo', headers: { ...DATA, ...session } },
    { target: '/oidc_userinfo', headers: DATA },
    { target: '/oidc_signed_out', headers: PAGE },
    { target: `/oidc_login?next=//evil.example/${n}`, headers: PAGE },
    { target: '/oidc_logout', headers: { ...PAGE, ...session, 'Sec-Fetch-Site': 'cross-site' } },
    { method: 'POST', target: '/oidc_backchannel_logout', headers: FORM, body: `logout_token=${junk(n, 20)}.${junk(n, 200)}.${junk(n, 86)}` },
    { method: 'POST', target: '/oidc_callback', headers: { ...FORM, ...PAGE }, body: `error=${junk(n, 9)}&state=${junk(n, 22)}` },
  ][Math.floor(n / ORDER.length) % 8];
}

function callback(n, { state, cookie }, issuer) {
  const query = new URLSearchParams({ code: junk(n, 43), state, iss: issuer });
  return { target: `/oidc_callback?${query}`, headers: { ...PAGE, Cookie: cookie } };
}

function junkCookies(n) {
  return `theme=dark; ${SESSION}=${junk(n, 40 + ((n * 37) % 3000))}; __Host-oidc_login_${junk(n, 8)}=${junk(n, 300)}`;
}

/** One character of the session's cookie is another one. */
function tampered(cookie, n) {
  const start = cookie.indexOf('=') + 1;
  const at = start + (n % (cookie.length - start));
  return `${cookie.slice(0, at)}${cookie[at] === 'A' ? 'B' : 'A'}${cookie.slice(at + 1)}`;
}

/** `length` characters of base64url that depend on n alone. */
function junk(n, length) {
  let text = '';
  for (let block = 0; text.length < length; block += 1) text += createHash('sha256').update(`${n}.${block}`).digest('base64url');
  return text.slice(0, length);
}

function pick(list, n) {
  return list[n % list.length];
}

/** In an order that looks like chance and is always the same. */
function shuffled(list) {
  return list.map((name, index) => [junk(index, 8), name]).sort(([one], [other]) => (one < other ? -1 : 1)).map(([, name]) => name);
}
