// A crowd of visitors with sessions of their own, whose tokens end all the time, before a store that comes and goes.

import { setTimeout as sleep } from 'node:timers/promises';
import { startStack } from '../../tests/e2e/support/stack.mjs';
import { lastingStorage } from './storage.mjs';

/** So many requests of one visitor at once, as a page makes them. */
const AT_ONCE = 4;
const SIGNING_IN_AT_ONCE = 12;
/** What the store does, in turn, and for how many seconds. */
const STORE = [['ok', 6], ['failing', 2], ['ok', 6], ['throttled', 2]];

/**
 * Lets `visitors` come for `seconds`, with ID tokens that live for `tokensLive` seconds and are due at half of it or half
 * a minute before, and resolves to what came of it. `strangers` are answers that told of somebody else; `lost` are
 * sessions that were over though their visitor had not signed out; `unsaved` is how often the log says that tokens could
 * not be stored, which ends a session for a cause; `events` is how often it tells of what. With `calm: true` the store
 * never fails, and nothing is a cause.
 */
export async function crowd({ visitors, seconds, tokensLive, store = 'durable', calm = false, report = () => {} }) {
  const stack = await started(visitors, store, tokensLive);
  const figures = { visitors, store, calm, requests: 0, answers: {}, sign_ins: 0, sign_outs: 0, strangers: 0, lost: 0, unexpected: [] };
  try {
    const names = Object.keys(accounts(visitors));
    const people = [];
    await inTurns(names, SIGNING_IN_AT_ONCE, async (name) => {
      people.push(await arrive(stack, name, figures));
      report(`${people.length} of ${visitors} have signed in`);
    });
    const until = Date.now() + seconds * 1000;
    const began = stack.grants.length;
    await Promise.all([calm || faults(stack, until), ...people.map((person) => stay(stack, person, until, figures))]);
    const refreshes = stack.grants.slice(began).filter(({ type }) => type === 'refresh_token');
    const unsaved = stack.worker.log().split('store.save_failed').length - 1;
    return { ...figures, events: events(stack.worker.log()), seconds, refreshes: refreshes.filter(({ outcome }) => outcome === 'success').length, refused: refreshes.filter(({ outcome }) => outcome === 'error').length, unsaved };
  } finally {
    await stack.close();
  }
}

function started(visitors, store, tokensLive) {
  return startStack({
    durable: store === 'durable',
    twin: true,
    vars: { OIDC_CREDENTIALS_STORE: store, OIDC_SESSION_CHECK_INTERVAL: 1, OIDC_CLOCK_SKEW: 0 },
    provider: {
      accounts: accounts(visitors),
      configure: (configuration) => {
        configuration.ttl.IdToken = () => tokensLive;
        configuration.adapter = lastingStorage();
        // A provider that takes reuse for theft needs a store that lets requests take turns.
        configuration.rotateRefreshToken = store === 'durable';
      },
    },
  });
}

function accounts(count) {
  const name = (index) => `visitor-${index}`;
  const claims = (index) => ({ sub: name(index), name: name(index), email: `${name(index)}@example.com`, email_verified: true, groups: [] });
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), { password: name(index), claims: claims(index) }]));
}

async function arrive(stack, name, figures) {
  let visitor = stack.visitor();
  let page = await visitor.signIn('/api/whoami', name);
  // The tokens may be over by now, and the store down: it can't be read (503), or could not be written (401).
  for (let tries = 0; [401, 503].includes(page.status) && tries < 20; tries += 1) {
    await sleep(500);
    if (page.status === 503) {
      page = await visitor.fetch('/api/whoami');
    } else {
      figures.lost += 1;
      visitor = stack.visitor();
      page = await visitor.signIn('/api/whoami', name);
    }
  }
  figures.sign_ins += 1;
  if (page.status !== 200 || page.json().user !== name) throw new Error(`${name} could not sign in: ${page.status} ${page.text.match(/<code>([^<]*)/)?.[1] ?? page.text.slice(0, 200)}`);
  return { name, visitor };
}

/** Pages, a few requests each, at either isolate; now and then out and in again. */
async function stay(stack, person, until, figures) {
  const isolates = [stack.publicUrl, `http://localhost:${stack.worker.twinPort}`];
  for (let page = 0; Date.now() < until; page += 1) {
    await sleep(1000 + Math.random() * 2000);
    if (page > 0 && Math.random() < 0.02 && stack.kv.behaviour === 'ok') {
      await person.visitor.navigate('/oidc_logout', { headers: { 'Sec-Fetch-Site': 'same-origin' } });
      figures.sign_outs += 1;
      Object.assign(person, await arrive(stack, person.name, figures));
    }
    person.visitor.publicUrl = isolates[page % 2];
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => person.visitor.fetch('/api/whoami')));
    person.visitor.publicUrl = stack.publicUrl;
    for (const answer of answers) judge(person, answer, figures);
    if (answers.some(({ status }) => status === 401)) {
      figures.lost += 1;
      Object.assign(person, await arrive(stack, person.name, figures));
    }
  }
}

/** How often the Worker has told of what. */
function events(log) {
  const counts = {};
  for (const [, event] of log.matchAll(/"event":"([^"]+)"/g)) counts[event] = (counts[event] ?? 0) + 1;
  return counts;
}

function judge({ name }, answer, figures) {
  figures.requests += 1;
  figures.answers[answer.status] = (figures.answers[answer.status] ?? 0) + 1;
  if (answer.status === 200 && answer.json().user !== name) figures.strangers += 1;
  if (![200, 401, 503].includes(answer.status)) figures.unexpected.push(answer.status);
}

async function faults(stack, until) {
  for (let turn = 0; Date.now() < until; turn += 1) {
    const [behaviour, seconds] = STORE[turn % STORE.length];
    stack.kv.behaviour = behaviour;
    await sleep(Math.max(0, Math.min(seconds * 1000, until - Date.now())));
  }
  stack.kv.behaviour = 'ok';
}

async function inTurns(items, width, each) {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await each(item);
  };
  await Promise.all(Array.from({ length: width }, work));
}
