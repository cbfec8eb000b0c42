#!/usr/bin/env node
// The built Worker with providers that others have written: tests/interop.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, nodeTool, run } from './lib/run.mjs';
import { Failure, explain, headline, say, script, withProgress } from './lib/terminal.mjs';
import { toolsFolder } from './lib/tools.mjs';

const HELP = `
Usage: npm run interop [-- --if-available]

Signs in at providers from the package registries, with the built Worker, and lets
oidc-register and the doctor meet them: npm oidc-provider, Canaille (from PyPI, in a
virtual environment of its own), Glewlwyd (Debian's; installed when root on Debian).

  --if-available    exit code 0 where one of them can't be had
  --help            this text
`;

const CANAILLE = ['canaille', '0.3.6'];
const TEST = join('tests', 'interop', 'providers.test.mjs');

await script(HELP, async (argv) => {
  const unknown = argv.find((argument) => argument !== '--if-available');
  if (unknown) throw new Failure(`unknown option ${unknown}`, 'npm run interop -- --help');
  const absent = [];
  const had = (name, work) => work().catch((error) => {
    if (!(error instanceof Failure)) throw error;
    explain(error);
    absent.push(name);
  });
  const canaille = await had('Canaille', installCanaille);
  await had('Glewlwyd', installGlewlwyd);
  await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { show: true, next: 'npm run build' });
  headline('Providers');
  const args = ['--test', '--test-reporter=spec', '--test-timeout=300000', TEST];
  await run(nodeTool('node'), args, { show: true, env: { EDGE_OIDC_CANAILLE: canaille ?? '' }, next: 'read the lines above' });
  if (absent.length) say(`not tested, for want of it: ${absent.join(', ')}`);
  if (absent.length && !argv.includes('--if-available')) process.exitCode = 1;
});

/** The path of Canaille, in a virtual environment that the next run finds again. */
async function installCanaille() {
  const [name, version] = CANAILLE;
  const folder = join(toolsFolder(), `${name}-${version}`);
  const program = join(folder, 'bin', name);
  const next = `python3 -m venv ${folder} && ${folder}/bin/pip install "${name}[front,oidc,server,sqlite]==${version}"`;
  if (existsSync(program)) return program;
  mkdirSync(toolsFolder(), { recursive: true });
  await withProgress(`Installing Canaille ${version}`, async (report) => {
    await run('python3', ['-m', 'venv', folder], { onLine: report, next: 'apt-get install python3-venv' });
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', `${name}[front,oidc,server,sqlite]==${version}`], { onLine: report, next });
  });
  return program;
}

async function installGlewlwyd() {
  if (existsSync('/usr/bin/glewlwyd') && existsSync('/usr/bin/sqlite3')) return;
  const next = 'apt-get install glewlwyd sqlite3';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Failure('there is no Glewlwyd, and it can not be installed without being root on Debian', next);
  await withProgress('Installing Glewlwyd with apt-get', async (report) => {
    const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, onLine: report, next };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'glewlwyd', 'sqlite3'], options);
  });
}
