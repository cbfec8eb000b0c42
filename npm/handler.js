// What is said of the handler that is guarded, whichever way.

/** The handler with another `fetch`; all else of it stays. */
export function withFetch(handler, fetch) {
  if (typeof handler?.fetch !== "function") {
    throw new TypeError(`edge-oidc: guard() takes an object with a function "fetch", not ${kindOf(handler)}`);
  }
  return Object.create(handler, { fetch: { value: fetch, enumerable: true } });
}

/** What its `fetch` has returned, if that is an answer. */
export function answerOf(returned) {
  if (returned instanceof Response) return returned;
  throw new TypeError(`edge-oidc: "fetch" of the guarded handler is to return a Response, not ${kindOf(returned)}`);
}

function kindOf(value) {
  if (typeof value === "function") return "a class or function";
  if (value === null || typeof value !== "object") return String(value);
  return `an object with ${Object.keys(value).map((name) => `"${name}"`).join(", ") || "nothing in it"}`;
}
