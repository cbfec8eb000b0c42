// The look of the demo's pages: plain HTML, nothing loaded from elsewhere, no script.

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; background: #fff; }
  h1 { font-size: 1.4rem; } label { display: block; margin: .8rem 0; } input, button { font: inherit; padding: .3rem .5rem; }
  input { display: block; width: 100%; box-sizing: border-box; } table { border-collapse: collapse; } th { text-align: left; }
  td, th { padding: .2rem 1rem .2rem 0; vertical-align: top; } [role=alert] { color: #b00020; } nav a { margin-right: 1rem; }
`;

/** `value` as text in HTML. */
export function escapeHtml(value) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(value).replace(/[&<>"']/g, (character) => entities[character]);
}

/** A whole page; `body` is HTML already. */
export function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

/** A two-column table of `rows`, pairs of name and value. */
export function table(rows) {
  const cells = rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`);
  return `<table>${cells.join('')}</table>`;
}
