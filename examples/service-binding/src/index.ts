// A Worker that asks another one who its visitors are: the stock guard, which may serve others as well.

import { finish, guard, whoIs, type GuardBinding } from "edge-oidc/binding";

interface Env {
  GUARD: GuardBinding;
}

// The whole Worker behind the guard.
const guarded = guard<Env>({
  async fetch(request, env, ctx, visit) {
    return new Response(`Hello, ${visit.subject}`);
  },
});

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/who") return guarded.fetch(request, env, ctx);

    // The same by hand.
    const told = await whoIs(env.GUARD, request);
    if (told.response) return told.response;
    const { by, claims } = told.visit;
    return finish(env.GUARD, told, Response.json({ by, claims }));
  },
} satisfies ExportedHandler<Env>;
