// What JavaScript asks of WebAssembly: `decide`, `judge`, `refuse`, `look` and `tooSlow`. Whoever begins the instance says
// how.

export const worker = {};

export function answerBy(functions) {
  Object.assign(worker, functions);
}
