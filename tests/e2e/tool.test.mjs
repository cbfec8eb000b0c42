// How `npm run setup`, `doctor`, `explain` and `register` start their programs: by stand-ins for cargo and the program.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const TOOL = fileURLToPath(new URL('../../scripts/tool.mjs', import.meta.url));

describe('scripts/tool.mjs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-tool-'));
  const program = (path, text) => {
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'debug'));
  program(join(folder, 'bin', 'cargo'), 'exit 0');
  program(join(folder, 'bin', 'stty'), `echo "$*" >> "${folder}/stty"`);
  after(() => rmSync(folder, { recursive: true }));

  const run = (text) => {
    if (text === undefined) rmSync(join(folder, 'debug', 'oidc-tools'), { force: true });
    else program(join(folder, 'debug', 'oidc-tools'), text);
    const env = { ...process.env, CARGO_TARGET_DIR: folder, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` };
    return spawnSync(process.execPath, [TOOL, 'oidc-tools', 'doctor'], { env, encoding: 'utf8' });
  };

  test('hands on exit codes and standard output as they are', () => {
    const { status, stdout } = run('echo "$*"; exit 7');
    assert.deepEqual([status, stdout], [7, 'doctor\n']);
    assert.ok(!existsSync(join(folder, 'stty')));
  });

  test('gives the terminal its echo back when the program was interrupted', () => {
    assert.equal(run('kill -INT $$').status, 130);
    assert.ok(existsSync(join(folder, 'stty')));
  });

  test('says when the program is not there', () => {
    const { status, stderr } = run(undefined);
    assert.equal(status, 1);
    assert.match(stderr, /oidc-tools can't be started: ENOENT/);
  });
});
