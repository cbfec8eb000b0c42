#!/usr/bin/env node
// What `npm version` runs: the version of package.json, everywhere else it stands.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './lib/run.mjs';
import { Failure, say, script } from './lib/terminal.mjs';

const HELP = `
Usage: npm version NEW-VERSION

Sets the version in package.json, package-lock.json, Cargo.toml, Cargo.lock, npm/package.json
and the examples that use it, closes the section "Unreleased" of CHANGELOG.md with it, and
commits and tags that. docs/releasing.md has what comes before and after.
`;

const USERS = ['npm-package', 'service-binding'].map((example) => `examples/${example}/package.json`);

await script(HELP, async () => {
  const { version } = JSON.parse(read('package.json'));
  change('Cargo.toml', /^version = ".*"$/m, `version = "${version}"`);
  change('Cargo.lock', /(name = "edge-oidc"\nversion = )".*"/, `$1"${version}"`);
  change('npm/package.json', /"version": ".*"/, `"version": "${version}"`);
  for (const name of USERS) change(name, /"edge-oidc": ".*"/, `"edge-oidc": "^${version}"`);
  const today = new Date().toISOString().slice(0, 10);
  change('CHANGELOG.md', /^## Unreleased$/m, `## Unreleased\n\n## ${version} - ${today}`);
  await run('git', ['add', 'Cargo.toml', 'Cargo.lock', 'CHANGELOG.md', 'npm/package.json', ...USERS], { next: 'npm version in a clone' });
  say(`version ${version} in package.json, Cargo.toml, Cargo.lock, npm/package.json, the examples and CHANGELOG.md`);
});

function read(name) {
  return readFileSync(join(ROOT, name), 'utf8');
}

function change(name, from, to) {
  const text = read(name);
  if (!from.test(text)) throw new Failure(`${name} has no ${from}`, `look at ${name}`);
  writeFileSync(join(ROOT, name), text.replace(from, to));
}
