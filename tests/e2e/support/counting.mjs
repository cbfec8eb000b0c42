// The built Worker as it is, with a count of what passes its borders: calls between JavaScript and WebAssembly, calls to
// the provider and the origin, operations of the store, microtasks that the runtime was asked for.

import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from './http.mjs';

const BUILD = process.env.EDGE_OIDC_BUILD ?? fileURLToPath(new URL('../../../build', import.meta.url));
const BUILT = { 'index.js': 'esModule', 'index_bg.wasm': 'wasm' };
/** Where the counts are asked for; whoever asks begins them anew. */
const COUNTS = '/counts-of-the-tests';

/** Evaluated before the Worker's own module, which then makes its instance by this class. */
const COUNT = `
export let counts = {};
export const count = (kind, name) => {
  counts[kind] ??= {};
  counts[kind][name] = (counts[kind][name] ?? 0) + 1;
};
export const taken = () => {
  const all = counts;
  counts = {};
  return all;
};
const counted = (kind, functions) => Object.fromEntries(Object.entries(functions).map(([name, value]) => {
  const counting = (...given) => {
    count(kind, name);
    return value(...given);
  };
  return [name, typeof value === "function" ? counting : value];
}));
const { Instance } = WebAssembly;
WebAssembly.Instance = class {
  constructor(module, imports) {
    const each = Object.entries(imports).map(([name, functions]) => [name, counted("imports", functions)]);
    this.exports = counted("exports", new Instance(module, Object.fromEntries(each)).exports);
  }
};
const microtask = globalThis.queueMicrotask;
globalThis.queueMicrotask = (task) => {
  count("microtasks", "queued");
  microtask(task);
};
const network = globalThis.fetch;
globalThis.fetch = (what, init) => {
  count("fetches", new URL(typeof what === "string" ? what : what.url).pathname);
  return network(what, init);
};
`;

const ENTRY = `
import { count, taken } from "./count.js";
import guard from "./index.js";
export { SessionVault } from "./index.js";

const kv = (inner) => ({
  get: (...given) => (count("store", "get"), inner.get(...given)),
  put: (...given) => (count("store", "put"), inner.put(...given)),
});
const objects = (inner) => ({
  idFromName: (name) => inner.idFromName(name),
  get: (id) => ({
    fetch: (url, init) => (count("store", new URL(url).pathname.slice(1)), inner.get(id).fetch(url, init)),
  }),
});
let known;
export default {
  fetch(request, env) {
    if (request.url.endsWith("${COUNTS}")) return Response.json(taken());
    known ??= {
      ...env,
      ...(env.OIDC_CREDENTIALS && { OIDC_CREDENTIALS: kv(env.OIDC_CREDENTIALS) }),
      ...(env.OIDC_SESSIONS && { OIDC_SESSIONS: objects(env.OIDC_SESSIONS) }),
    };
    return guard.fetch(request, known);
  },
};
`;

/** `{ build, modules, remove }` of the Worker that counts, for startWorker(). */
export function countingWorker() {
  const missing = Object.keys(BUILT).find((file) => !existsSync(join(BUILD, file)));
  if (missing) throw new Error(`${BUILD} has no ${missing}; next: npm run build`);
  const build = mkdtempSync(join(tmpdir(), 'edge-oidc-counting-'));
  Object.keys(BUILT).forEach((file) => copyFileSync(join(BUILD, file), join(build, file)));
  writeFileSync(join(build, 'entry.js'), ENTRY);
  writeFileSync(join(build, 'count.js'), COUNT);
  return {
    build,
    modules: { 'entry.js': 'esModule', 'count.js': 'esModule', ...BUILT },
    remove: () => rmSync(build, { recursive: true, force: true }),
  };
}

/** What was counted since the last time: `{ imports, exports, fetches, store }`, each by name. */
export async function countsOf(port) {
  const counts = (await request({ port, target: COUNTS })).json();
  return { imports: {}, exports: {}, fetches: {}, store: {}, ...counts };
}

/** How many that are in all. */
export function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
