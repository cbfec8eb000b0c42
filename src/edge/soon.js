// Takes the place of the runtime's function of this name, which makes a function anew of each task that it is given:
// wasm-bindgen asks for two of those whenever Rust goes on with what it has waited for.

export function queueMicrotask(task) {
  Promise.resolve().then(task);
}
