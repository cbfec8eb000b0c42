// What building, fuzzing and checking dependencies need beside Rust, Node and `npm ci`: the wasm target and cargo tools, which go into a
// per-user folder keyed by version, so that a fresh clone on the same machine finds them.

import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ROOT, nodeTool, run } from './run.mjs';
import { Failure, say, withProgress } from './terminal.mjs';

const TARGET = 'wasm32-unknown-unknown';
const CARGO_FUZZ_VERSION = '0.13.2';
const CARGO_DENY_VERSION = '0.20.2';

/** The folder of the cargo tools. */
export function toolsFolder() {
  return process.env.EDGE_OIDC_TOOLS || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'edge-oidc');
}

/** Sets up what is missing; returns the path of wasm-bindgen. */
export async function buildTools() {
  await ensurePackages();
  await ensureRust();
  return { wasmBindgen: await cargoTool('wasm-bindgen-cli', lockedVersion('wasm-bindgen'), 'wasm-bindgen') };
}

/** The version of `crate` in Cargo.lock: the glue and the tool that writes it must be the same. */
export function lockedVersion(crate) {
  const lock = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8');
  const version = lock.match(new RegExp(`name = "${crate}"\nversion = "([^"]+)"`))?.[1];
  if (!version) throw new Failure(`Cargo.lock has no ${crate}`, 'git checkout Cargo.lock');
  return version;
}

/** Sets up cargo-fuzz if it is missing; returns its path. */
export async function fuzzTool() {
  await ensureCargo();
  return cargoTool('cargo-fuzz', CARGO_FUZZ_VERSION, 'cargo-fuzz');
}

/** Sets up cargo-deny if it is missing; returns its path. */
export async function denyTool() {
  await ensureCargo();
  return cargoTool('cargo-deny', CARGO_DENY_VERSION, 'cargo-deny');
}

/** Sees to it that there is a Rust. */
export async function ensureCargo() {
  try {
    await run('cargo', ['--version']);
  } catch {
    // Cloudflare's own build machines have none, and belong to nobody else.
    if (process.env.WORKERS_CI) return installRust();
    throw new Failure('Rust is missing: no `cargo` in PATH', 'install Rust with rustup (https://rustup.rs), then run the same command again');
  }
}

/** Rust by rustup, for this run and what it starts. */
async function installRust() {
  const next = 'install Rust with rustup (https://rustup.rs)';
  await withProgress('Installing Rust', () =>
    run('sh', ['-c', "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --no-modify-path"], { next }));
  const bin = join(process.env.CARGO_HOME || join(homedir(), '.cargo'), 'bin');
  process.env.PATH = `${bin}${delimiter}${process.env.PATH ?? ''}`;
  await run('cargo', ['--version'], { next });
}

// A fresh clone has none; whoever changes package-lock.json runs `npm ci` by hand.
async function ensurePackages() {
  if (existsSync(join(ROOT, 'node_modules', '.package-lock.json'))) return;
  await withProgress('Installing the Node packages', () => run('npm', ['ci', '--no-fund', '--no-audit'], { next: 'npm ci' }));
}

async function ensureRust() {
  await ensureCargo();
  // A Rust that doesn't come from rustup brings its own target, or the build says what it lacks.
  const installed = await run('rustup', ['target', 'list', '--installed']).catch(() => TARGET);
  if (installed.split('\n').includes(TARGET)) return;
  await withProgress(`Adding the Rust target ${TARGET}`, () =>
    run('rustup', ['target', 'add', TARGET], { next: `rustup target add ${TARGET}   (needs the network)` }));
}

/**
 * The path of `binary` of exactly `version` of `crate`. It is installed beside its place and then
 * renamed, so that a folder of the final name with the binary in it is a finished installation.
 */
async function cargoTool(crate, version, binary) {
  const folder = join(toolsFolder(), `${crate}-${version}`);
  const path = join(folder, 'bin', binary);
  if (existsSync(path)) return path;

  mkdirSync(toolsFolder(), { recursive: true });
  clearAbandoned(`${crate}-${version}.installing-`);
  say(`${crate} ${version} is compiled once for this user, into ${toolsFolder()} (2 to 3 minutes on 2 cores)`);
  const root = `${folder}.installing-${process.pid}`;
  try {
    await withProgress(`Installing ${crate} ${version}`, (report) => install(crate, version, root, report));
    rmSync(join(root, 'compiling'), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    renameSync(root, folder);
  } catch (error) {
    // Another build may have been faster.
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return path;
}

async function install(crate, version, root, report) {
  let compiled = 0;
  const onLine = (line) => {
    if (/^\s*Compiling /.test(line)) compiled += 1;
    report(compiled ? `${compiled} crates, ${line.trim()}` : line);
  };
  const args = ['install', crate, '--version', `=${version}`, '--root', root, '--target-dir', join(root, 'compiling')];
  const next = `cargo install ${crate} --version ${version} --root ${root.replace(/\.installing-\d+$/, '')}`;
  try {
    await run('cargo', [...args, '--locked'], { onLine, next });
  } catch (error) {
    // A registry mirror may lack a dependency's very newest release that the tool's own lock file names.
    if (!/failed to select a version|no matching package/.test(error.output ?? '')) throw error;
    say(`\n${crate}'s own lock file can't be met by this registry: compatible versions of its dependencies are taken`);
    await run('cargo', args, { onLine, next });
  }
}

/** Removes what installations that were killed have left. */
function clearAbandoned(prefix) {
  for (const name of readdirSync(toolsFolder()).filter((entry) => entry.startsWith(prefix))) {
    try {
      process.kill(Number(name.slice(prefix.length)), 0);
    } catch {
      rmSync(join(toolsFolder(), name), { recursive: true, force: true });
    }
  }
}
