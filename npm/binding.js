// The guard in another Worker, asked over a service binding, without a WebAssembly of its own.

import { edited, rewritten } from "../src/edge/forward.js";
import { answerOf, withFetch } from "./handler.js";

const FORM = /^application\/x-www-form-urlencoded\b/i;

/** The handler, called for requests that may pass. */
export function guard(handler, { binding = "GUARD" } = {}) {
  return withFetch(handler, async (request, env, context) => {
    const told = await whoIs(env[binding], request, binding);
    if (told.response) return told.response;
    const passed = new Request(request);
    edited(passed.headers, told.headers, 0);
    return finish(env[binding], told, answerOf(await handler.fetch(passed, env, context, told.visit)));
  });
}

/** The guard's own answer to a request, or who it is that may pass. */
export async function whoIs(guard, request, binding = "GUARD") {
  if (typeof guard?.whoIs !== "function") throw new Error(`edge-oidc: env.${binding} is no service binding; ${cure(binding)}`);
  const { method, url, headers, cf } = request;
  // Of bodies the guard reads forms alone, of which navigations have those of other types; the rest is the handler's.
  const isForm = FORM.test(headers.get("content-type")) || headers.get("sec-fetch-mode") === "navigate";
  const body = request.body && isForm ? request.clone().body : undefined;
  try {
    return await guard.whoIs({ method, url, headers, cf, body });
  } catch (error) {
    if (!/does not implement|entrypoint/i.test(error.message)) throw error;
    throw new Error(`edge-oidc: what is bound as env.${binding} is not asked like this (${error.message}); ${cure(binding)}`, { cause: error });
  }
}

const cure = (binding) => `wrangler.toml needs [[services]] with binding = "${binding}", service = the guard's name, entrypoint = "Guard"`;

/** What was said last of an answer that sets no cookies. */
let known = {};

/** The answer of one's own as the visitor may see it. */
export async function finish(guard, { isPrivate, cookies }, answer) {
  const cacheControl = answer.headers.get("cache-control") ?? "";
  const setCookies = answer.headers.getSetCookie();
  const isPlain = cookies.length + setCookies.length === 0;
  if (isPlain && known.isPrivate === isPrivate && known.cacheControl === cacheControl) return rewritten(answer, known.edits);
  const edits = await guard.changes(isPrivate, cacheControl, setCookies.join("\n"), cookies.join("\t"));
  if (isPlain) known = { isPrivate, cacheControl, edits };
  return rewritten(answer, edits);
}
