// Sign-ins by the hundred, at a provider that agrees at once: what is measured is our side of the wire.

import { PAGE } from './rounds.mjs';
import { Failure } from '../../scripts/lib/terminal.mjs';

/** One sign-in, from `target` to the callback's answer, of a visitor without cookies; resolves to the session's cookies. */
export async function signInOnce(client, provider, target) {
  const begun = await client.send({ target, headers: PAGE });
  expect(begun, 'the start');
  const callback = new URL(provider.authorize(begun.headers.location));
  const landed = await client.send({ target: callback.pathname + callback.search, headers: { ...PAGE, Cookie: cookiesOf(begun) } });
  expect(landed, 'the callback');
  return cookiesOf(landed);
}

function expect({ status, headers }, what) {
  if (status !== 302 || !headers.location || !headers['set-cookie']) throw new Failure(`${what} of a sign-in was answered ${status}`, 'npm test -- e2e');
}

/** What the browser would send back. */
function cookiesOf({ headers }) {
  return headers['set-cookie'].map((line) => line.split(';')[0]).filter((pair) => !pair.endsWith('=')).join('; ');
}
