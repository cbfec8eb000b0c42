// What the results are to be, in one table: the figures that matter, beside what they are meant to be.

/** Each looks into one result, and says its figure; `most` is the goal, where there is one. */
const GOALS = [
  { of: 'signed-in', what: 'signed-in request, times the floor', figure: ratio('ours', 'floor'), most: 1.15 },
  { of: 'signed-in', what: 'the same, µs added to a forward without a guard', figure: added('ours', 'forwards only'), most: 30 },
  { of: 'signed-in', what: 'the same, times @hono/oidc-auth', figure: ratio('ours', '@hono/oidc-auth'), most: 0.7 },
  { of: 'signed-in', what: 'the same, times a JWE cookie by jose', figure: ratio('ours', 'jose, sealed cookie'), most: 1 },
  { of: 'tokens', what: 'introspected token that is known, times a signed-in request', figure: ratio('introspected', 'session'), most: 1.15 },
  { of: 'tokens', what: 'JWT seen for the first time, RS256, times jose', figure: ratio('rs256 ours', 'rs256 jose'), most: 1 },
  { of: 'tokens', what: 'JWT seen for the first time, ES256, times jose', figure: ratio('es256 ours', 'es256 jose'), most: 1 },
  { of: 'tokens', what: 'JWT that is known, times jose', figure: ratio('rs256 ours, known', 'rs256 jose'), most: 1 },
  { of: 'rules', what: 'a hundred rules, times one', figure: ratio('hundred', 'one'), most: 1.05 },
  { of: 'scale-rules', what: 'a thousand rules, times one', figure: growth, most: 1.15 },
  { of: 'scale-cookie', what: 'cookie of 12 kB, times 300 bytes (which is 34 times less)', figure: growth, most: 34 },
  { of: 'scale-sessions', what: 'a request when 3,000 sessions ask in turn, times one', figure: growth, most: 3 },
  { of: 'scale-sign-ins', what: 'a sign-in of 200 at once, times one alone', figure: growth, most: 2 },
  { of: 'sign-ins', what: 'calls to the provider for a warm sign-in', figure: ({ sign_ins: all }) => sum(all['ours, kv'].provider), most: 2 },
  { of: 'sign-ins', what: 'sign-ins a second and processor, kv', figure: ({ sign_ins: all }) => all['ours, kv'].a_second },
  { of: 'start', what: 'first answer of a new process, ms over the floor', figure: ({ contenders }) => contenders.ours.milliseconds - contenders.floor.milliseconds },
  { of: 'start', what: 'upload, KiB of gzip', figure: ({ contenders }) => contenders.ours.upload.gzip_bytes / 1024, most: 300 },
  { of: 'memory', what: 'growth of memory after a fifth of the requests, %', figure: ({ growth_after_20_percent: grown }) => grown.percent, most: 10 },
  { of: 'load-durable-calm', what: 'sessions lost in a calm crowd, and answers about somebody else', figure: ({ lost, strangers }) => lost + strangers, most: 0 },
];

/** The rows for which there are results: `{ what, figure, most, met }`. `read(name)` gives a result, or nothing. */
export function goals(read) {
  return GOALS.flatMap(({ of, what, figure, most }) => {
    const result = read(of);
    const found = result && figure(result);
    if (found === undefined) return [];
    const rounded = Number(found.toFixed(2));
    return [{ what, figure: rounded, most, met: most === undefined ? undefined : rounded <= most }];
  });
}

function ratio(ours, theirs) {
  return ({ microseconds_a_request: all }) => all[ours] && all[theirs] && all[ours].median / all[theirs].median;
}

function added(ours, theirs) {
  return ({ microseconds_a_request: all }) => all[ours] && all[theirs] && all[ours].median - all[theirs].median;
}

function growth({ curves: [{ points }] }) {
  return points.at(-1)[1] / points[0][1];
}

function sum(counts) {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
