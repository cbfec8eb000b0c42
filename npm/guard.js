// The guard in the same Worker as the code that it guards: what stands between the two of them otherwise, the code does.

import { decided, passed, returned } from "../src/edge/forward.js";
import { facts, handledHere } from "../src/edge/glue.js";
import { visitOf } from "../src/edge/visit.js";
import { answerOf, withFetch } from "./handler.js";

export { SessionVault } from "../src/edge/entry.js";

/** The handler, called for requests that may pass. */
export function guard(handler) {
  const guarded = withFetch(handler, (request, env, context) =>
    decided(request, { env, context }, facts(request), true, (order) => handled(handler, request, env, context, order.split("\n"))));
  handledHere();
  return guarded;
}

/** What it throws is its own, as it would be without a guard. */
async function handled(handler, request, env, context, lines) {
  const answer = await handler.fetch(passed(request, lines), env, context, visitOf(lines.at(-1)));
  return returned(answerOf(answer), { request, env, context }, lines);
}
