// The Worker's module: what the runtime calls, and nothing else. A panic ends the WebAssembly instance; wasm-bindgen's
// own code notices and makes another one when it is called next.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as wasm from "edge-oidc.wasm";
import { whoIs } from "./asked.js";
import { answer, changes } from "./forward.js";
import { instances, whileItLives } from "./glue.js";
import { answerBy } from "./worker.js";

/** A function of an instance that lives: what is handed to one that has panicked is lost with it. */
const alive = (call) => (...given) => {
  wasm.ready();
  return call(...given);
};

answerBy({
  decide: alive(wasm.decide),
  judge: alive(wasm.judge),
  refuse: alive(wasm.refuse),
  look: alive(wasm.look),
  tooSlow: alive(wasm.too_slow),
});

export default { fetch: answer };

/** What Workers with a service binding to this class may ask. Nobody else can reach it. */
export class Guard extends WorkerEntrypoint {
  whoIs(request) {
    return whoIs(request, this.env, this.ctx);
  }

  changes(...answer) {
    return changes(...answer, this.env);
  }
}

/** The Durable Object, which outlives the WebAssembly instance that began it. */
export class SessionVault {
  constructor(state) {
    this.make = () => {
      this.vault = new wasm.SessionVault(state);
      this.instance = instances;
    };
    this.make();
  }

  fetch(request) {
    return whileItLives(this.current().fetch(request));
  }

  alarm() {
    return whileItLives(this.current().alarm());
  }

  current() {
    wasm.ready();
    if (this.instance !== instances) this.make();
    return this.vault;
  }
}

