// What is said of the handler that is guarded, whichever way.

/** The handler with another `fetch`; whatever else it can do stays. */
export function withFetch(handler, fetch) {
  if (typeof handler?.fetch !== "function") {
    throw new TypeError(`edge-oidc: guard() takes an object with a function "fetch", not ${kindOf(handler)}`);
  }
  const others = methodsOf(handler).map((name) => [name, (...given) => handler[name](...given)]);
  return { ...Object.fromEntries(others), fetch };
}

// The runtime looks for handlers in the object itself, and not in its class.
function methodsOf(handler) {
  const names = new Set();
  for (let part = handler; part && part !== Object.prototype; part = Object.getPrototypeOf(part)) {
    for (const name of Object.getOwnPropertyNames(part)) names.add(name);
  }
  return [...names].filter((name) => name !== "constructor" && typeof handler[name] === "function");
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
