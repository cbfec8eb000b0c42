// Charts as SVG, for light and dark pages: bars of contenders, and curves.

const WIDTH = 760;
const STYLE = `<style>
    text { font: 13px system-ui, sans-serif; fill: #222; }
    .title { font-size: 15px; font-weight: 600; }
    .small { font-size: 11px; fill: #666; }
    .axis { stroke: #999; stroke-width: 1; }
    .grid { stroke: #ddd; stroke-width: 1; }
    .bar { fill: #8fa8c4; }
    .ours { fill: #1a6dd6; }
    .whisker { stroke: #444; stroke-width: 1; }
    .curve { fill: none; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #ddd; } .small { fill: #999; } .grid { stroke: #444; } .whisker { stroke: #ccc; }
    }
  </style>`;
const COLOURS = ['#1a6dd6', '#d6701a', '#2a9d55', '#9b4fc0'];

/** Bars with what lies between the quarters of the rounds; `bars` are `{ name, value, from, to, ours }`. */
export function bars({ title, unit, bars: all, notes = [] }) {
  const [left, row, top] = [190, 30, 44];
  const most = 1.12 * Math.max(...all.map(({ value, to = 0 }) => Math.max(value, to)));
  const x = (value) => left + ((WIDTH - left - 110) * value) / most;
  const lines = all.map(({ name, value, from, to, ours }, index) => {
    const y = top + index * row;
    const whisker = from === undefined ? '' : `<path class="whisker" d="M${at(x(from))} ${y + 9}H${at(x(to))}M${at(x(from))} ${y + 5}v8M${at(x(to))} ${y + 5}v8"/>`;
    return `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>`
      + `<rect class="bar${ours ? ' ours' : ''}" x="${left}" y="${y}" width="${at(x(value) - left)}" height="18"/>${whisker}`
      + `<text x="${at(Math.max(x(value), x(to ?? 0)) + 8)}" y="${y + 14}">${value} ${escaped(unit)}</text>`;
  });
  return document(title, top + all.length * row + 8, lines, notes);
}

/** Curves, which are `{ name, points: [[x, y]] }`: on logarithmic axes, or with `linear: true` from nothing. */
export function curves({ title, across, up, curves: all, linear = false, notes = [] }) {
  const [left, top, height, right] = [64, 44, 260, 150];
  const points = all.flatMap((curve) => curve.points);
  const scaled = linear ? (value) => value : Math.log10;
  const scale = (values, from, to) => {
    const [low, high] = [scaled(Math.min(...values)), scaled(Math.max(...values))];
    return (value) => from + ((to - from) * (scaled(value) - low)) / (high - low || 1);
  };
  const [lowest, highest] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  const [low, high] = linear ? [0, highest * 1.1] : [lowest * 0.8, highest * 1.25];
  const x = scale(points.map(([value]) => value), left, WIDTH - right);
  const y = scale([low, high], top + height, top);
  const lines = [`<path class="axis" d="M${left} ${top}V${top + height}H${WIDTH - right}" fill="none"/>`];
  for (const value of linear ? [0.25, 0.5, 0.75, 1].map((share) => Math.round(share * highest)) : ticks(low, high)) {
    lines.push(`<path class="grid" d="M${left} ${at(y(value))}H${WIDTH - right}"/><text class="small" x="${left - 6}" y="${at(y(value) + 4)}" text-anchor="end">${value}</text>`);
  }
  for (const value of labelled([...new Set(points.map(([value]) => value))])) {
    lines.push(`<text class="small" x="${at(x(value))}" y="${top + height + 16}" text-anchor="middle">${value}</text>`);
  }
  lines.push(`<text class="small" x="${(left + WIDTH - right) / 2}" y="${top + height + 34}" text-anchor="middle">${escaped(across)}</text>`);
  lines.push(`<text class="small" x="${left}" y="${top - 8}" text-anchor="middle">${escaped(up)}</text>`);
  all.forEach(({ name, points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const [lastX, lastY] = own.at(-1);
    lines.push(`<path class="curve" stroke="${colour}" d="M${own.map(([one, other]) => `${at(x(one))} ${at(y(other))}`).join('L')}"/>`);
    lines.push(...own.map(([one, other]) => `<circle cx="${at(x(one))}" cy="${at(y(other))}" r="3" fill="${colour}"/>`));
    lines.push(`<text class="small" x="${at(x(lastX) + 8)}" y="${at(y(lastY) + 4)}">${escaped(name)}</text>`);
  });
  return document(title, top + height + 46, lines, notes);
}

function document(title, height, lines, notes) {
  const whole = height + notes.length * 15 + 8;
  const below = notes.map((note, index) => `<text class="small" x="12" y="${height + 12 + index * 15}">${escaped(note)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${whole}" width="${WIDTH}" height="${whole}" role="img" aria-label="${escaped(title)}">
  ${STYLE}
  <text class="title" x="12" y="22">${escaped(title)}</text>
  ${[...lines, ...below].join('\n  ')}
</svg>
`;
}

/** Ten of them at most. */
function labelled(values) {
  const each = Math.ceil(values.length / 10);
  return values.filter((_, index) => (values.length - 1 - index) % each === 0);
}

/** Round values between, about six to each power of ten. */
function ticks(low, high) {
  const powers = Array.from({ length: 12 }, (_, index) => 10 ** (index - 4));
  return powers.flatMap((power) => [1, 1.5, 2, 3, 5, 7].map((digit) => Number((digit * power).toPrecision(2)))).filter((value) => value >= low && value <= high);
}

function at(position) {
  return Math.round(position * 10) / 10;
}

function escaped(text) {
  return String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);
}
