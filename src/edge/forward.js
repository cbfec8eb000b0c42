// The way of a request to the origin and back. A signed-in request takes two calls of WebAssembly, one before the origin is
// asked and one, for most sites, never again: what was said of an answer's `Cache-Control` is remembered. What is decided
// comes as text, a line each, because every value of its own would be one more crossing.

import { facts, whileItLives, within } from "./glue.js";
import { isLive, watched } from "./live.js";
import { worker } from "./worker.js";

/** How long an origin may take to begin its answer, in milliseconds; the platform itself gives up then. */
const ORIGIN_TIMEOUT = 100_000;
/** Up to this many bytes are uploaded in no time: only then is the wait for an answer the origin's doing. */
const SMALL_BODY = 65_536;
/** The cache between us and the origin knows nothing of visitors. */
const NOT_CACHED = { cacheTtl: -1 };

/** Answers a request: itself, or as the origin does. */
export function answer(request, env, context) {
  return decided(request, { env, context }, facts(request), false, (order) => forward(request, env, order, context));
}

/** Our own answer, or what `pass` makes of the order, which ends with who asks if it `tells`; or a promise of either. */
export function decided(request, { env, context }, given, tells, pass) {
  const settled = (answer) => (typeof answer === "string" ? pass(answer) : answer);
  const failed = (error) => worker.refuse(request, env, given, whyOf(error));
  try {
    const answer = worker.decide(request, env, given, tells);
    return answer instanceof Promise ? toItsEnd(whileItLives(answer).catch(failed), context).then(settled) : settled(answer);
  } catch (error) {
    return failed(error);
  }
}

/** When a browser leaves, the platform drops what is done for it; a refresh token that was rotated would be lost with that. */
function toItsEnd(deciding, context) {
  context?.waitUntil(deciding);
  return deciding;
}

/** Why there is no answer, as `refuse` is told: by the origin, by its silence, or by us. */
const whyOf = (error) => ({ TimeoutError: 1, RuntimeError: 2 })[error?.name] ?? 0;

/**
 * Sends a request to the origin. The order's lines: `p` when the answer is private, with `b` when the origin is bound; the
 * URL, when it is another one than the request's; our own cookies for the answer, between tabs; `session` or so many
 * milliseconds, if a connection does not stay open longer; then edits to headers, and who asks.
 */
export async function forward(request, env, order, context) {
  const lines = order.split("\n");
  try {
    const sent = send(request, env, lines);
    const answered = await (answersSoon(request) ? within(ORIGIN_TIMEOUT, sent) : sent);
    return returned(answered, { request, env, context }, lines);
  } catch (error) {
    return worker.refuse(request, env, facts(request), whyOf(error));
  }
}

/** Body, method and every header not named go as they came. */
function send(request, env, lines) {
  const [flags, url] = lines;
  const isBound = flags.includes("b");
  const cf = flags.includes("p") && !isBound ? NOT_CACHED : undefined;
  if (url !== "" && !isBound && (request.method === "GET" || request.method === "HEAD") && request.body === null) {
    // All that is left of such a request are its headers: the least to copy.
    const headers = edited(new Headers(request.headers), lines, 4);
    return fetch(url, { method: request.method, headers, redirect: "manual", cf });
  }
  const outgoing = passed(request, lines);
  return isBound ? env.ORIGIN.fetch(outgoing) : fetch(outgoing, { cf });
}

/** The request as it goes on. */
export function passed(request, lines) {
  // One that keeps its URL keeps every byte of it, where a URL that is given anew is encoded as URL parsers do.
  const outgoing = lines[1] === "" ? new Request(request) : new Request(lines[1], request);
  edited(outgoing.headers, lines, 4);
  return outgoing;
}

/** The answer as it goes back, watched if it is a connection that may not stay open for ever. */
export function returned(answered, around, lines) {
  const answer = cleaned(answered, lines[0], lines[2], around.env);
  return lines[3] !== "" && isLive(answered) ? watched(answer, around, newest(around.request, lines), Number(lines[3])) : answer;
}

/** The cookies of the session that a connection is opened under, as the browser will have them. */
function newest(request, [, , own, lasts]) {
  if (lasts !== "session") return undefined;
  const cookies = own === "" ? [] : own.split("\t").map((cookie) => cookie.split(";")[0]);
  return [...cookies, request.headers.get("cookie") ?? ""].join("; ");
}

/** Names and values in turn: a name after a hyphen is taken away, one after a plus sign gets one more value. */
export function edited(headers, lines, from) {
  for (let i = from; i + 1 < lines.length; i += 2) {
    const name = lines[i];
    if (name[0] === "-") headers.delete(name.slice(1));
    else if (name[0] === "+") headers.append(name.slice(1), lines[i + 1]);
    else headers.set(name, lines[i + 1]);
  }
  return headers;
}

function answersSoon(request) {
  const length = request.headers.get("content-length");
  return length === null ? request.body === null : Number(length) <= SMALL_BODY;
}

/** What was said last of an answer that sets no cookies. */
let known = {};

/** The answer as the visitor may see it; the body streams on. */
export function cleaned(answer, flags, own, env) {
  const cacheControl = answer.headers.get("cache-control") ?? "";
  const cookies = answer.headers.has("set-cookie") ? answer.headers.getSetCookie().join("\n") : "";
  const isPlain = cookies === "" && own === "";
  if (!isPlain || known.flags !== flags || known.cacheControl !== cacheControl) {
    const lines = changes(flags.includes("p"), cacheControl, cookies, own, env);
    if (!isPlain) return rewritten(answer, lines);
    known = { flags, cacheControl, lines };
  }
  return rewritten(answer, known.lines);
}

/** The edits to an answer with these cookies, a line each, and `own` ones of ours, between tabs. */
export function changes(isPrivate, cacheControl, cookies, own, env) {
  const edits = worker.judge(isPrivate, cacheControl, cookies, own, env);
  return edits === "" ? [] : edits.split("\n");
}

/** Whether something is to be set, or is there to be taken away: to make an answer anew is the dearest of all. */
function isEdited(headers, lines) {
  for (let i = 0; i + 1 < lines.length; i += 2) {
    if (lines[i][0] !== "-" || headers.has(lines[i].slice(1))) return true;
  }
  return false;
}

// A status outside 200-599 can't be rebuilt; it must not pass with what it should not carry either.
export function rewritten(answer, lines) {
  if (!isEdited(answer.headers, lines)) return answer;
  const result = new Response(answer.body, answer);
  edited(result.headers, lines, 0);
  return result;
}
