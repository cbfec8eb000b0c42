/** Claims as the provider has given them. Each may be missing, and an origin of claims may call anything by these names. */
export interface Claims {
  readonly sub?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly preferred_username?: string;
  readonly [claim: string]: unknown;
}

/** Somebody with a session. */
export interface SignedIn {
  readonly by: "session";
  /** `sub`: who it is, for good and at this provider alone. */
  readonly subject: string;
  /** The claims that `OIDC_HEADERS` and `OIDC_RULES` name; all others are at `/oidc_userinfo`. */
  readonly claims: Claims;
}

/** Somebody, or some program, with an access token that was found good. */
export interface Caller {
  readonly by: "token";
  /** `sub`; a program that acts for itself may have none. */
  readonly subject: string | undefined;
  /** What is known of the token. */
  readonly claims: Claims & { readonly client_id?: string; readonly scope?: string; readonly exp?: number };
}

/** Nobody we know; where a rule is `public`, nobody is ever known. */
export interface Nobody {
  readonly by: "nobody";
  readonly subject?: undefined;
  readonly claims: Claims;
}

/** Who sent a request that may pass. */
export type Visit = SignedIn | Caller | Nobody;

/**
 * What a Worker exports by default, with a `fetch` that is also told who sent the request.
 *
 * The request is the one that an origin would get: with the headers of `OIDC_HEADERS`, without those that a client has
 * sent in their place, and without the guard's cookies.
 */
export type GuardedHandler<Env> = Omit<ExportedHandler<Env>, "fetch"> & {
  fetch(...given: [...Parameters<ExportedHandlerFetchHandler<Env>>, visit: Visit]): Response | Promise<Response>;
};
