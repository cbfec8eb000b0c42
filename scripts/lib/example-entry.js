// The module of a Worker that is written in Rust alone: what the runtime calls.

import * as wasm from "worker.wasm";

export default {
  fetch: (request, env, context) => wasm.fetch(request, env, context),
};
