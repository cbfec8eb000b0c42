// The Worker's module: what the runtime calls, and nothing else. A panic ends the WebAssembly instance; wasm-bindgen's
// own code notices and makes another one when it is called next.

import * as wasm from "edge-oidc.wasm";

const instances = wasm.__worker_init_state();

export default {
  fetch: (request, env, context) => wasm.fetch(request, env, context),
};

/** The Durable Object, which outlives the WebAssembly instance that began it. */
export class SessionVault {
  constructor(state, env) {
    this.make = () => {
      this.vault = new wasm.SessionVault(state, env);
      this.instance = instances.instanceId;
    };
    this.make();
  }
}

for (const handler of ["fetch", "alarm", "webSocketMessage", "webSocketClose", "webSocketError"]) {
  SessionVault.prototype[handler] = function (...given) {
    if (this.instance !== instances.instanceId) this.make();
    return this.vault[handler](...given);
  };
}
