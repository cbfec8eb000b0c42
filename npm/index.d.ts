import { DurableObject } from "cloudflare:workers";
import type { GuardedHandler } from "./visit.js";

export type { Caller, Claims, GuardedHandler, Nobody, SignedIn, Visit } from "./visit.js";

/**
 * The handler behind the guard: it is called for each request that the settings let pass, and told who sent it. The
 * others are answered by the guard, and so are its own endpoints. What is made for one visitor is marked
 * `Cache-Control: private`, cookies of the session are set, and connections end with the session.
 *
 * ```ts
 * import { guard } from "edge-oidc";
 *
 * export default guard<Env>({
 *   fetch: (request, env, ctx, visit) => new Response(`Hello, ${visit.subject ?? "stranger"}`),
 * });
 * ```
 *
 * The settings are the Worker's variables, secrets and bindings: `OIDC_ISSUER`, `OIDC_SECRET_KEY` and so on. Each Worker
 * calls this once.
 *
 * @throws TypeError when `handler` has no function `fetch`.
 */
export function guard<Env = unknown>(handler: GuardedHandler<Env>): ExportedHandler<Env> & Required<Pick<ExportedHandler<Env>, "fetch">>;

/** The Durable Object that keeps credentials, for the binding `OIDC_SESSIONS`. It is to be exported by the Worker. */
export class SessionVault extends DurableObject {
  fetch(request: Request): Promise<Response>;
  alarm(): Promise<void>;
}
