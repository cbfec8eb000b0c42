// The module of a Worker that is written in Rust alone: what the runtime calls. It is a class, as worker-build's.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as wasm from "worker.wasm";

export default class extends WorkerEntrypoint {
  fetch(request) {
    return wasm.fetch(request, this.env, this.ctx);
  }
}
