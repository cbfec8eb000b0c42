// Who asks, as code in JavaScript is told.

/** From an order's last line: how it is known, and the claims as JSON. */
export function visitOf(told) {
  // Made anew each time: it is handed to code that may change it, and the next request is somebody else's.
  if (told === "") return { by: "nobody", claims: {} };
  const at = told.indexOf("{");
  const claims = JSON.parse(told.slice(at));
  return { by: told.slice(0, at), subject: claims.sub, claims };
}
