#!/usr/bin/env node
// All tests: native ones by cargo, then the built Worker in workerd, then a real browser.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { chromium } from './chromium.mjs';
import { ROOT, isEnding, nodeTool, run, start } from './lib/run.mjs';
import { Failure, duration, explain, headline, isColoured, paint, say, script } from './lib/terminal.mjs';

const HELP = `
Usage: npm test [-- PART ...]

Runs all tests and ends with one line "N passed, N failed"; exit code 1 if one failed or a part ran none.
The first time takes about 15 minutes on 2 cores, with what it sets up.

  cargo      the native tests
  e2e        the built Worker in workerd, against a real provider
  browser    the same with Chromium (CHROME_PATH; installed when root on Debian)
  --help     this text
`;

const PARTS = { cargo, e2e, browser };
// A test that hangs is a failed test.
const TEST_TIMEOUT_MS = 120_000;

await script(HELP, async (argv) => {
  const unknown = argv.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown) throw new Failure(`unknown part ${unknown}`, 'npm test -- --help');
  const chosen = argv.length ? argv : Object.keys(PARTS);

  const started = Date.now();
  const results = [];
  for (const name of chosen) results.push({ name, ...(await outcomeOf(PARTS[name])) });

  headline(`Tests, after ${duration(Date.now() - started)}`);
  for (const { name, passed, failed } of results) say(`  ${name.padEnd(8)} ${passed} passed, ${failed} failed`);
  const total = (what) => results.reduce((sum, result) => sum + result[what], 0);
  const verdict = `${total('passed')} passed, ${total('failed')} failed`;
  say(paint(total('failed') ? 'red' : 'green', verdict));
  if (total('failed')) process.exitCode = 1;
});

/** The counts of a part. One that can't run, ends badly or runs nothing has failed once at least. */
async function outcomeOf(part) {
  try {
    const { passed, failed, code } = await part();
    if (passed + failed === 0) explain(new Failure('this part has run no test', 'read the lines above'));
    return { passed, failed: Math.max(failed, code !== 0 || passed === 0 ? 1 : 0) };
  } catch (error) {
    explain(error);
    return { passed: 0, failed: 1 };
  }
}

async function cargo() {
  headline('Native tests (cargo test)');
  return counted('cargo', ['test', '--features', 'tools,axum', '--no-fail-fast'], /^test result: .*?(\d+) passed; (\d+) failed/, (found) => [Number(found[1]), Number(found[2])]);
}

async function e2e() {
  await build();
  await build('examples.mjs');
  await build('panicking.mjs');
  headline('The built Worker in workerd');
  return nodeTests(testFiles().filter((file) => !isBrowserTest(file)));
}

async function browser() {
  await build();
  headline('The built Worker and a browser');
  return nodeTests(testFiles().filter(isBrowserTest), { CHROME_PATH: await chromium() });
}

function build(script = 'build.mjs') {
  return run(process.execPath, [join(ROOT, 'scripts', script)], { show: true, next: `node scripts/${script}` });
}

function testFiles() {
  return readdirSync(join(ROOT, 'tests', 'e2e')).filter((file) => file.endsWith('.test.mjs')).map((file) => join('tests', 'e2e', file));
}

function isBrowserTest(file) {
  return /browser/.test(file);
}

function nodeTests(files, env) {
  const args = ['--test', '--test-reporter=spec', `--test-timeout=${TEST_TIMEOUT_MS}`, '--test-concurrency=2', ...files];
  const counts = { pass: [1, 0], fail: [0, 1], cancelled: [0, 1] };
  return counted(nodeTool('node'), args, /^ℹ (pass|fail|cancelled) (\d+)$/, ([, what, count]) => counts[what].map((one) => one * Number(count)), env);
}

/** Runs a test program, shows what it prints, and adds up the lines that `pattern` finds. */
function counted(command, args, pattern, countsOf, env) {
  const colour = isColoured() ? { CARGO_TERM_COLOR: 'always', FORCE_COLOR: '1' } : {};
  const child = start(command, args, { env: { ...colour, ...env } });
  let passed = 0;
  let failed = 0;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      say(line);
      const found = stripVTControlCharacters(line).match(pattern);
      if (!found) return;
      const [more, worse] = countsOf(found);
      passed += more;
      failed += worse;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Failure(`${command} can't be started: ${error.code}`, 'npm ci')));
    child.on('close', (code) => isEnding() || resolve({ passed, failed, code }));
  });
}
