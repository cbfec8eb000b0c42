import type { GuardedHandler, Visit } from "./visit.js";

export type { Caller, Claims, GuardedHandler, Nobody, SignedIn, Visit } from "./visit.js";

/**
 * The handler behind a guard that is another Worker: asked about each request over a service binding to its entrypoint
 * `Guard`, called `GUARD` or what `binding` says.
 *
 * ```ts
 * import { guard, type GuardBinding } from "edge-oidc/binding";
 *
 * interface Env {
 *   GUARD: GuardBinding;
 * }
 *
 * export default guard<Env>({
 *   fetch: (request, env, ctx, visit) => new Response(`Hello, ${visit.subject ?? "stranger"}`),
 * });
 * ```
 *
 * @throws TypeError when `handler` has no function `fetch`.
 */
export function guard<Env = unknown>(
  handler: GuardedHandler<Env>,
  options?: { binding?: keyof Env & string },
): ExportedHandler<Env> & Required<Pick<ExportedHandler<Env>, "fetch">>;

/**
 * Asks the guard who a request is. The request stays as it is, its body unread.
 *
 * ```ts
 * import { finish, whoIs, type GuardBinding } from "edge-oidc/binding";
 *
 * export async function answer(guard: GuardBinding, request: Request): Promise<Response> {
 *   const told = await whoIs(guard, request);
 *   if (told.response) return told.response;
 *   return finish(guard, told, new Response(`Hello, ${told.visit.subject ?? "stranger"}`));
 * }
 * ```
 */
export function whoIs(guard: GuardBinding | Fetcher, request: Request): Promise<Told>;

/** A response to a request that may pass, as the visitor may get it: with the session's cookies, and kept from caches. */
export function finish(guard: GuardBinding | Fetcher, passed: Passed, response: Response): Promise<Response>;

/** What the guard says of a request. */
export type Told = Answered | Passed;

/** It may not pass, or it was for the guard: this is to be returned, as it is. */
export interface Answered {
  readonly response: Response;
}

/** It may pass. */
export interface Passed {
  readonly response?: undefined;
  readonly visit: Visit;
  /** `Set-Cookie` headers for the response: a session that was renewed, or one that is over. */
  readonly cookies: readonly string[];
  /** Whether the response is for this visitor alone: then no shared cache may keep it. */
  readonly isPrivate: boolean;
  /**
   * What changes of the request's headers before anybody believes them, names and values in turn. A name after a hyphen
   * is one that goes.
   */
  readonly headers: readonly string[];
}

/** A request as the guard is asked about it. */
export interface Asked {
  readonly method: string;
  /** As it was sent: `request.url`, not what `new URL` makes of it. */
  readonly url: string;
  readonly headers: Headers;
  /** Of a form (`application/x-www-form-urlencoded`); the guard has no use for others. */
  readonly body?: ReadableStream;
  /** `request.cf`, which tells of client certificates. */
  readonly cf?: object;
}

/** The entrypoint `Guard` of a guard, as a service binding. */
export interface GuardBinding {
  /** What {@link whoIs} asks. */
  whoIs(asked: Asked): Promise<Told>;
  /** What {@link finish} asks; it changes with the package, which has to be of the guard's version. */
  changes(isPrivate: boolean, cacheControl: string, setCookies: string, cookies: string): Promise<string[]>;
}
