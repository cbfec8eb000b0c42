// @hono/oidc-auth as its documentation shows it, before an origin: its session is a JWT in a cookie, signed and not sealed.

import { Hono } from 'hono';
import { getAuth, oidcAuthMiddleware } from '@hono/oidc-auth';

const app = new Hono();
app.use('*', oidcAuthMiddleware());
app.all('*', async (context) => {
  const session = await getAuth(context);
  const url = new URL(context.req.url);
  const outgoing = new Request(context.env.OIDC_ORIGIN + url.pathname + url.search, context.req.raw);
  outgoing.headers.set('X-Forwarded-User', session.sub);
  outgoing.headers.set('X-Forwarded-Email', session.email);
  const answer = await fetch(outgoing);
  // The middleware marks it as private, which the headers of an answer from the origin don't allow.
  return new Response(answer.body, answer);
});

export default app;
