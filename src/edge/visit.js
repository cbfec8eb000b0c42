// Who asks, as code in JavaScript is told.

const NOBODY = { by: "nobody", claims: {} };

/** From an order's last line: how it is known, and the claims as JSON. */
export function visitOf(told) {
  if (told === "") return NOBODY;
  const at = told.indexOf("{");
  const claims = JSON.parse(told.slice(at));
  return { by: told.slice(0, at), subject: claims.sub, claims };
}
