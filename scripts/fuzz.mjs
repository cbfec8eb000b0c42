#!/usr/bin/env node
// Fuzzes the parsers: the targets of fuzz/, one after the other.

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run } from './lib/run.mjs';
import { Failure, duration, headline, paint, say, script, withProgress } from './lib/terminal.mjs';
import { fuzzTool } from './lib/tools.mjs';

const HELP = `
Usage: npm run fuzz -- [--seconds N] [--target NAME] [--seed N] [--minimize] [--if-available]
       npm run fuzz -- --target NAME --input FILE

Looks for inputs that break a property (tests/properties); fuzz/README.md lists the targets.
The first time compiles cargo-fuzz and the targets (about 5 minutes on 2 cores).
Exit code 1 when an input was found; it is printed where it lies.

  --seconds N       for each target; 30 unless told
  --target NAME     this one alone; may be repeated
  --seed N          starts from this number; the same one goes the same way on a clean checkout
  --input FILE      runs a target with this input once
  --minimize        merges what was found into fuzz/corpus, within its limits
  --if-available    exit code 0 where cargo-fuzz can't be had
  --help            this text
`;

const FUZZ = join(ROOT, 'fuzz');
const TARGETS = readdirSync(join(FUZZ, 'fuzz_targets')).map((file) => file.replace(/\.rs$/, '')).sort();
// Fewer than tests/corpus.rs allows: there is room for findings.
const MAX_FILES = 32;
const MAX_FILE_BYTES = 2048;
// No sanitizer: there is no unsafe code to watch, and the stable compiler builds it. The profile of fuzz/Cargo.toml says
// which assertions there are; without --release they would be turned on in every package.
const BUILD = ['--sanitizer', 'none', '--release'];

await script(HELP, async () => {
  const options = parsed();
  const cargoFuzz = await available(options['if-available']);
  if (!cargoFuzz) return;
  const names = options.target ?? TARGETS;

  await withProgress('Compiling the fuzz targets (a first time takes about 5 minutes)', (report) =>
    run(cargoFuzz, ['build', ...BUILD, ...(names.length === 1 ? names : [])], {
      onLine: report,
      next: 'mend what the compiler says above, then: npm run fuzz',
    }));
  if (options.input) return once(cargoFuzz, names[0], options.input);

  const started = Date.now();
  const results = [];
  for (const name of names) results.push(await fuzzed(cargoFuzz, name, options));

  headline(`Fuzzing, after ${duration(Date.now() - started)}`);
  for (const { name, runs, speed } of results) {
    say(`  ${name.padEnd(16)} ${String(runs).padStart(10)} inputs, ${String(speed).padStart(7)} a second`);
  }
  say(paint('green', `${results.length} targets, nothing found`));
});

function parsed() {
  const next = 'npm run fuzz -- --help';
  let options;
  try {
    options = parseArgs({
      options: {
        seconds: { type: 'string', default: '30' },
        seed: { type: 'string', default: '0' },
        target: { type: 'string', multiple: true },
        input: { type: 'string' },
        minimize: { type: 'boolean', default: false },
        'if-available': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new Failure(error.message, next);
  }
  if (!/^[1-9]\d{0,5}$/.test(options.seconds)) throw new Failure(`expected whole seconds, got ${options.seconds}`, next);
  if (!/^\d{1,9}$/.test(options.seed)) throw new Failure(`expected a whole number for --seed, got ${options.seed}`, next);
  const unknown = options.target?.find((name) => !TARGETS.includes(name));
  if (unknown) throw new Failure(`unknown target ${unknown}; there are ${TARGETS.join(', ')}`, next);
  if (options.input && options.target?.length !== 1) throw new Failure('--input needs one --target', next);
  return options;
}

/** The path of cargo-fuzz with everything it needs; nothing where that can't be had and need not be. */
async function available(optional) {
  try {
    const compiler = process.env.CXX || 'c++';
    await run(compiler, ['--version']).catch(() => {
      throw new Failure(`libFuzzer is C++, and there is no compiler ${compiler}`, 'sudo apt-get install g++');
    });
    const cargoFuzz = await fuzzTool();
    useOurLock();
    await run('cargo', ['fetch'], { cwd: FUZZ, next: 'cargo fetch --manifest-path fuzz/Cargo.toml   (needs the network)' });
    return cargoFuzz;
  } catch (error) {
    if (!optional || !(error instanceof Failure)) throw error;
    say(`cargo-fuzz can't be had here, so nothing is fuzzed: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}

/** The versions that are fuzzed are those that are shipped; what libFuzzer needs is added to them. */
function useOurLock() {
  const [ours, copy] = [join(ROOT, 'Cargo.lock'), join(FUZZ, 'Cargo.lock')];
  if (!existsSync(copy) || statSync(ours).mtimeMs > statSync(copy).mtimeMs) copyFileSync(ours, copy);
}

/** One target for that long. What it finds on the way goes into fuzz/found, not among the files of the repository. */
async function fuzzed(cargoFuzz, name, { seconds, seed, minimize }) {
  const [corpus, found] = [join(FUZZ, 'corpus', name), join(FUZZ, 'found', name)];
  mkdirSync(found, { recursive: true });
  // A seed of 0 is libFuzzer's word for another one each time.
  const libFuzzer = [`-max_total_time=${seconds}`, `-seed=${seed}`, '-max_len=4096', '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1'];
  const args = ['run', ...BUILD, name, found, corpus, '--', ...libFuzzer];
  const output = await withProgress(`Fuzzing ${name} for ${seconds} s`, (report) =>
    run(cargoFuzz, args, { onLine: (line) => line.startsWith('#') && report(line) }).catch((error) => {
      throw finding(name, error);
    }));
  if (minimize) await merged(cargoFuzz, name, corpus, found);
  const stat = (what) => Number(output.match(new RegExp(`^stat::${what}:\\s+(\\d+)`, 'm'))?.[1] ?? 0);
  const runs = stat('number_of_executed_units');
  if (!runs) throw new Failure(`${name} has run nothing`, `read what it says: ${relative(ROOT, cargoFuzz)} run ${name}`);
  return { name, runs, speed: stat('average_exec_per_sec') };
}

function finding(name, error) {
  const file = error.output?.match(/Test unit written to (\S+)/)?.[1];
  if (!file) return error;
  const shown = relative(ROOT, resolve(FUZZ, file));
  // libFuzzer's own stack says nothing about a panic; its message stands before it.
  const said = error.output.match(/^thread .* panicked at [\s\S]*?(?=\nstack backtrace|\nnote:|\n==)/m)?.[0] ?? 'it ran too long, or took too much memory';
  return new Failure(`${name} fails for ${shown}\n${said}`, `npm run fuzz -- --target ${name} --input ${shown}`);
}

async function once(cargoFuzz, name, input) {
  const path = resolve(ROOT, input);
  if (!existsSync(path)) throw new Failure(`there is no ${input}`, 'ls fuzz/artifacts/*');
  await run(cargoFuzz, ['run', ...BUILD, name, path], { show: true, next: `mend what fails above (tests/properties/${name}.rs)` });
  say(paint('green', `${name} holds for ${input}`));
}

/** Adds to the corpus what reaches new branches, smallest first. Files with a name of their own always stay. */
async function merged(cargoFuzz, name, corpus, found) {
  const args = ['run', ...BUILD, name, corpus, found, '--', '-merge=1', `-max_len=${MAX_FILE_BYTES}`];
  await withProgress(`Minimizing ${name}`, () => run(cargoFuzz, args));
  const size = (file) => statSync(join(corpus, file)).size;
  const files = readdirSync(corpus);
  const hashed = files.filter((file) => /^[0-9a-f]{40}$/.test(file)).sort((one, other) => size(one) - size(other));
  const room = Math.max(0, MAX_FILES - (files.length - hashed.length));
  for (const file of hashed.slice(room)) rmSync(join(corpus, file));
}
