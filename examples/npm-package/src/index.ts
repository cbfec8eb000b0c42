// A Worker that knows its visitors: the guard is a package in it, and no other Worker stands before it.

import { guard, type Visit } from "edge-oidc";

// Keeps credentials, for the binding OIDC_SESSIONS.
export { SessionVault } from "edge-oidc";

export default guard<Env>({
  async fetch(request, env, ctx, visit) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case "/":
        return new Response(visit.by === "session" ? `Welcome ${visit.claims.email}` : "Not logged in");
      case "/api":
        return Response.json({ hello: visit.subject, scope: visit.by === "token" ? visit.claims.scope : undefined });
      case "/admin":
        return isAdmin(visit) ? new Response("the secrets of the house") : new Response("for admins alone", { status: 403 });
      default:
        return new Response(`Hello, ${visit.subject}`);
    }
  },
});

// OIDC_RULES could say so too, with { path = "/admin", claims = { groups = "admins" } }.
function isAdmin({ claims }: Visit): boolean {
  return Array.isArray(claims.groups) && claims.groups.includes("admins");
}
