// What the tests of the examples share that are Workers around the library.

import { after, before, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStack } from './stack.mjs';

/** Runs a describe block with the stack around an example. */
export function withExample(name, options, define) {
  describe(`examples/${name}`, () => {
    let stack;
    before(async () => {
      const build = fileURLToPath(new URL(`../../../examples/${name}/build`, import.meta.url));
      stack = await startStack({ ...options, build, vars: { OIDC_RULES: undefined, ...options.vars } });
    });
    after(() => stack?.close());
    define(() => stack);
  });
}
