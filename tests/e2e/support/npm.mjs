// The npm package as its users get it: packed, installed from the tarball without a network, and bundled by wrangler.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, nodeTool, run } from '../../../scripts/lib/run.mjs';

/** Packs the package and resolves to `{ tarball, files, project, close }`; `project(name)` is a copy of that example. */
export async function packed() {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-npm-'));
  const said = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], { cwd: join(ROOT, 'npm') });
  // One object by name, or a list of one, by npm's version.
  const [{ filename, files }] = Object.values(JSON.parse(said.slice(said.search(/^[[{]/m))));
  const tarball = join(folder, filename);
  return {
    tarball,
    files: files.map((file) => file.path),
    project: (name) => projectOf(join(folder, name), join(ROOT, 'examples', name), tarball),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function projectOf(folder, example, tarball) {
  cpSync(example, folder, { recursive: true, filter: (file) => !/\/(node_modules|\.wrangler)$/.test(file) });
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--no-package-lock', tarball], { cwd: folder });
  const wrangler = (args) => run(nodeTool('wrangler'), args, { cwd: folder, env: { CI: '1', NO_COLOR: '1', FORCE_COLOR: '0' } });
  return {
    folder,
    /** Another script in its place. */
    write: (script) => writeFileSync(join(folder, 'src', 'index.ts'), script),
    /** What `wrangler deploy` would upload: its report, the folder, and the modules with their kinds. */
    bundle: async () => {
      const build = join(folder, 'out');
      mkdirSync(build, { recursive: true });
      const report = await wrangler(['deploy', '--dry-run', '--outdir', build]);
      const kinds = { js: 'esModule', wasm: 'wasm' };
      const modules = readdirSync(build).sort((one) => (one === 'index.js' ? -1 : 1)).map((file) => [file, kinds[file.split('.').pop()]]).filter(([, kind]) => kind);
      return { report, build, modules: Object.fromEntries(modules) };
    },
    /** Rejects with what `tsc` complains about. */
    check: async () => {
      await wrangler(['types']);
      return run(nodeTool('tsc'), ['--project', folder]);
    },
  };
}
