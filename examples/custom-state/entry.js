// What the runtime calls, around what worker-build has made. A panic ends the WebAssembly instance, and nothing would
// ever answer the requests that wait in it: they are told here, as the guard tells it. Taken over as it is, or left out.

import { WorkerEntrypoint } from "cloudflare:workers";
import Worker from "./build/index.js";

const waiting = new Set();

addEventListener("error", ({ error }) => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  for (const tell of waiting) tell();
  waiting.clear();
});

export default class extends WorkerEntrypoint {
  async fetch(request) {
    let tell;
    const panic = new Promise((resolve) => waiting.add((tell = resolve)));
    try {
      return (await Promise.race([new Worker(this.ctx, this.env).fetch(request), panic])) ?? sorry(request);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return sorry(request);
      throw error;
    } finally {
      waiting.delete(tell);
    }
  }
}

/** As the guard answers where it has panicked: a page, or JSON for who asks by a script. */
function sorry({ headers }) {
  const isPage = /text\/html/.test(headers.get("accept")) && /^(navigate)?$/.test(headers.get("sec-fetch-mode") ?? "");
  const [type, body] = isPage ? ["text/html; charset=utf-8", PAGE] : ["application/json", JSON.stringify(TOLD)];
  return new Response(body, { status: 500, headers: { "Content-Type": type, "Cache-Control": "no-store" } });
}

const TOLD = { error: "host.internal", error_description: "Something is wrong on our side. The log says more." };
const PAGE = `<!doctype html>
<html lang="en">
<title>Something went wrong</title>
<h1>Something went wrong</h1>
<p>${TOLD.error_description}</p>
<p>Reference: <code>${TOLD.error}</code></p>
</html>
`;
