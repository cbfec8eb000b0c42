// The built Worker in the real runtime, workerd itself: nothing between its socket and the Worker that
// could tidy a path or a header, and the Worker's own requests go out to the network.

import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILD = process.env.EDGE_OIDC_BUILD ?? join(ROOT, 'build');
/** A disk in memory, where there is one: each object is a file of its own, which a real disk takes its time for. */
const MEMORY = '/dev/shm';
const MODULES = { 'index.js': 'esModule', 'index_bg.wasm': 'wasm' };

/** The platform's rate limiter without its clock; the class has the name that it has there. */
const RATE_LIMIT = `
class Ratelimit {
  counts = new Map();
  constructor(limit) { this.max = limit; }
  async limit({ key }) {
    if (this.max < 0) return new Promise(() => {});
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    return { success: count <= this.max };
  }
}
export default ({ limit }) => new Ratelimit(limit);
`;

/** Analytics Engine that says what it is told. */
const METRICS = `
export default () => ({ writeDataPoint: (point) => console.log("counted " + JSON.stringify(point)) });
`;

/** The platform's way out for a Worker on a route: its own host leads to the site that the DNS points to. */
const ROUTE = `
export default {
  fetch(request, env) {
    const isOwn = new URL(request.url).host === env.HOST;
    return (isOwn ? env.SITE : env.INTERNET).fetch(request);
  },
};
`;

/** Durable Objects that can't be reached while the switch, a server of the tests, says so. */
const OBJECTS_WITH_FAULTS = `
class Namespace {
  constructor(inner, control) { this.inner = inner; this.control = control; }
  idFromName(name) { return this.inner.idFromName(name); }
  get(id) {
    const stub = this.inner.get(id);
    return {
      fetch: async (...request) => {
        const mode = await (await this.control.fetch("http://kv/behaviour")).text();
        if (mode === "failing" || mode === "throttled") throw new Error("no object can be reached");
        return stub.fetch(...request);
      },
    };
  }
}
export default ({ inner, control }) => new Namespace(inner, control);
`;

// A test run that is told to end leaves no runtime behind.
process.once('SIGTERM', () => process.exit(143));

/**
 * Starts the Worker and resolves to `{ port, twinPort, publicUrl, pid, log, close }`.
 *
 * `vars` are its settings: a string stands for itself, anything else is passed as JSON, as wrangler does it.
 * `kv` and `originBinding` are `host:port` of what stands behind OIDC_CREDENTIALS and ORIGIN, `routeTo` of the site that
 * the Worker's own host leads to, as it does behind a route; it needs `port`. `cache` is where the
 * location's cache stands, as `host:port`. `rateLimit` is how often OIDC_RATE_LIMIT
 * says yes to one key; a negative one never answers; `metrics: true` binds OIDC_METRICS, which prints what it counts. `durable: true` puts Durable
 * Objects behind OIDC_SESSIONS, which fail when what stands behind `kv` does. With those, and with `twin: true`, there is
 * a second Worker with the same store at `twinPort`: another isolate, as in another city. `build` is the folder of another
 * Worker, `modules` its files and kinds. `cf: 'name'` lets requests bring their `request.cf` along in that header.
 * `asker` is the script of a Worker that stands before this one and asks its entrypoint `Guard`, bound as GUARD; as FRONT
 * it has what visitors have otherwise.
 */
export async function startWorker({ vars = {}, kv, cache, durable = false, twin = durable, originBinding, routeTo, rateLimit, cf, metrics = false, port, build = BUILD, modules = MODULES, asker } = {}) {
  const files = Object.keys(modules);
  for (const file of files) {
    if (!existsSync(join(build, file))) throw new Error(`${build} has no ${file}; next: npm run build`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'edge-oidc-'));
  const objectsFolder = durable ? mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'edge-oidc-objects-')) : undefined;
  files.forEach((file) => copyFileSync(join(build, file), join(folder, file)));
  if (asker) copyFileSync(asker, join(folder, 'asker.js'));
  writeFileSync(join(folder, 'config.capnp'), configOf({ vars, kv, cache, durable, objectsFolder, twin, originBinding, routeTo, rateLimit, cf, metrics, modules, asker, port: port ?? 0 }));

  const child = spawn(join(ROOT, 'node_modules', '.bin', 'workerd'), ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const killed = () => child.kill('SIGKILL');
  const clear = () => [folder, objectsFolder].filter(Boolean).forEach((made) => rmSync(made, { recursive: true, force: true }));
  const abandoned = () => {
    killed();
    clear();
  };
  process.once('exit', abandoned);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const listening = await Promise.race([portsOf(child.stdio[3], twin ? ['http', 'twin'] : ['http']), exited.then(() => undefined)]);
  if (!listening) throw new Error(`workerd didn't start:\n${log}`);
  return {
    port: listening.http,
    twinPort: listening.twin,
    publicUrl: `http://localhost:${listening.http}`,
    pid: child.pid,
    /** All that the Worker and the runtime have printed so far. */
    log: () => log,
    close: async () => {
      child.kill('SIGTERM');
      // It waits for connections that somebody may keep open for good.
      const impatient = setTimeout(killed, 1000);
      await exited;
      clearTimeout(impatient);
      process.removeListener('exit', abandoned);
      clear();
    },
  };
}

/** A port that is free now: for what must be known before the Worker starts. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function configOf({ vars, kv, cache, durable, objectsFolder, twin, originBinding, routeTo, rateLimit, cf, metrics, modules, asker, port }) {
  const services = ['(name = "guard", worker = .guard)', '(name = "internet", network = (allow = ["public", "private"]))'];
  const bindings = Object.entries(vars).map(([name, value]) =>
    `(name = ${text(name)}, ${typeof value === 'string' ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`})`);
  if (kv) {
    services.push(`(name = "kv", external = (address = ${text(kv)}, http = ()))`);
    bindings.push('(name = "OIDC_CREDENTIALS", kvNamespace = "kv")');
  }
  if (cache) services.push(`(name = "cache", external = (address = ${text(cache)}, http = ()))`);
  const nearby = cache && '\n  cacheApiOutbound = "cache",';
  if (durable) services.push(`(name = "objects", disk = (path = ${text(objectsFolder)}, writable = true))`);
  if (originBinding) {
    services.push(`(name = "origin", external = (address = ${text(originBinding)}, http = ()))`);
    bindings.push('(name = "ORIGIN", service = "origin")');
  }
  if (routeTo) {
    services.push(`(name = "site", external = (address = ${text(routeTo)}, http = ()))`, '(name = "route", worker = .route)');
  }
  if (rateLimit !== undefined) {
    bindings.push(`(name = "OIDC_RATE_LIMIT", wrapped = (moduleName = "tests:rate-limit", innerBindings = [(name = "limit", json = "${rateLimit}")]))`);
  }
  if (metrics) bindings.push('(name = "OIDC_METRICS", wrapped = (moduleName = "tests:metrics"))');
  const sockets = [`(name = "http", address = "127.0.0.1:${port}", http = (${cf ? `cfBlobHeader = ${text(cf)}` : ''}), service = "${asker ? 'asker' : 'guard'}")`];
  if (asker) services.push('(name = "asker", worker = .asker)');
  if (twin) {
    services.push('(name = "twin", worker = .twin)');
    sockets.push('(name = "twin", address = "127.0.0.1:0", http = (), service = "twin")');
  }
  const [, date] = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8').match(/^compatibility_date = "([^"]+)"/m);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(', ')}],
  sockets = [${sockets.join(', ')}],
  extensions = [(modules = [
    (name = "tests:rate-limit", internal = true, esModule = ${text(RATE_LIMIT)}),
    (name = "tests:objects", internal = true, esModule = ${text(OBJECTS_WITH_FAULTS)}),
    (name = "tests:metrics", internal = true, esModule = ${text(METRICS)}),
  ])],
);
${workerOf('guard', date, modules, durable ? [...bindings, objects('"SessionVault"', kv)] : bindings, [durable && OBJECTS, routeTo && '\n  globalOutbound = "route",', nearby].filter(Boolean).join(''))
}${twin
    ? workerOf('twin', date, modules, durable ? [...bindings, objects('(className = "SessionVault", serviceName = "guard")', kv)] : bindings, nearby || '')
    : ''}${routeTo ? routeOf(date, port) : ''}${asker ? workerOf('asker', date, { 'asker.js': 'esModule' }, GUARD_BINDINGS) : ''}`;
}

const GUARD_BINDINGS = ['(name = "GUARD", service = (name = "guard", entrypoint = "Guard"))', '(name = "FRONT", service = "guard")'];

/** The binding of the objects of that class, behind the switch when there is one. */
function objects(of, control) {
  if (!control) return `(name = "OIDC_SESSIONS", durableObjectNamespace = ${of})`;
  return `(name = "OIDC_SESSIONS", wrapped = (moduleName = "tests:objects", innerBindings = [(name = "inner", durableObjectNamespace = ${of}), (name = "control", service = "kv")]))`;
}

// On disk, since an object with SQLite in memory loses what it holds when the runtime puts it away, after 10 s in which
// nobody asks it; on the platform it holds it.
const OBJECTS = `
  durableObjectNamespaces = [(className = "SessionVault", uniqueKey = "vault", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),`;

function workerOf(name, date, modules, bindings, more = '') {
  return `const ${name} :Workerd.Worker = (
  modules = [${Object.entries(modules).map(([file, kind]) => `(name = "${file}", ${kind} = embed "${file}")`).join(', ')}],
  compatibilityDate = "${date}",
  bindings = [${bindings.join(', ')}],${more}
);
`;
}

function routeOf(date, port) {
  return `const route :Workerd.Worker = (
  modules = [(name = "route.js", esModule = ${text(ROUTE)})],
  compatibilityDate = "${date}",
  bindings = [(name = "HOST", text = "localhost:${port}"), (name = "SITE", service = "site"), (name = "INTERNET", service = "internet")],
);
`;
}

/** A Cap'n Proto text literal. */
function text(value) {
  return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}"`;
}

/** The ports of these sockets, by name, once all of them listen. */
function portsOf(stream, names) {
  const ports = {};
  return new Promise((resolve) => {
    let seen = '';
    stream.on('data', (data) => {
      seen += data;
      for (const line of seen.split('\n').slice(0, -1)) {
        const message = JSON.parse(line);
        if (message.event === 'listen') ports[message.socket] = message.port;
      }
      if (names.every((name) => ports[name])) resolve(ports);
    });
  });
}
