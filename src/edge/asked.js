// What another Worker asks over a service binding. Its requests are judged as any others; but nothing is forwarded, since
// it answers them itself. npm/binding.d.ts has the types.

import { decided } from "./forward.js";
import { facts } from "./glue.js";
import { visitOf } from "./visit.js";

/** Our own answer to a request, or who it is that may pass. */
export async function whoIs(asked, env, context) {
  // A request would lose what a URL parser takes from its URL; the rules are to judge every byte.
  if (asked instanceof Request) throw new TypeError('whoIs takes { method, url, headers, body, cf }: whoIs() of "edge-oidc/binding" makes that of a request');
  const { method, url, headers, body, cf } = asked;
  // Parsers leave them out; here each ends a fact, and what comes behind would be another one.
  if (/[\r\n]/.test(url)) throw new TypeError("whoIs takes a URL without line breaks");
  const request = new Request(url, { method, headers, body, cf });
  const order = await decided(request, { env, context }, facts(request, url), true, (order) => order);
  if (typeof order !== "string") return { response: order };
  const lines = order.split("\n");
  return {
    visit: visitOf(lines.at(-1)),
    headers: lines.slice(4, -1),
    cookies: lines[2] === "" ? [] : lines[2].split("\t"),
    isPrivate: lines[0].includes("p"),
  };
}
