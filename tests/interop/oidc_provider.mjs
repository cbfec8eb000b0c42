// npm oidc-provider (OpenID-certified), as the demo starts it.

import { startProvider } from '../../demo/provider.mjs';

/** It comes with `npm ci`. */
export const program = 'oidc-provider';

export async function start() {
  const provider = await startProvider({ registration: true });
  return {
    issuer: provider.issuer,
    subject: 'alice',
    scopes: ['openid', 'email', 'profile'],
    signIn: (visitor, target) => visitor.signIn(target),
    close: provider.close,
  };
}
