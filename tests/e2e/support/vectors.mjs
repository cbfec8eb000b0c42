// The data files of tests/vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The rows of a file: fields between tabs, those in quotation marks as JSON. */
export function rows(name) {
  const text = readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  assert.ok(lines.length > 40, `${name} was found`);
  return lines.map((line) => line.split('\t').map((field) => (field.startsWith('"') ? JSON.parse(field) : field)));
}
