// Connections that stay open: a WebSocket or an event stream that was opened under a session, or with a token, does not
// outlive it. Each is watched within the request that opened it, which lasts as long as the connection does.

import { facts } from "./glue.js";
import { Relay } from "./relay.js";
import { worker } from "./worker.js";

/** Whether an answer stays open by its nature, for how long nobody knows. */
export function isLive(response) {
  return response.webSocket != null || /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
}

/**
 * The same connection, closed when the session of these cookies is over. Without cookies: after `milliseconds`, at the
 * end of a token. With the request's `context`, one that does not react is cut off.
 */
export function watched(response, { request, env, context }, cookies, milliseconds) {
  const watch = (close) => (cookies === undefined ? after(milliseconds, close) : whileItStands(() => worker.look(env, request, cookies), close));
  if (response.webSocket) {
    const tell = (isVisitor) => worker.tooSlow(request, env, facts(request), isVisitor);
    const abort = context && (() => context.abort(new Error("a WebSocket that nobody reads is cut off")));
    return watchedSocket(response, { watch, tell, abort });
  }
  return response.body ? watchedStream(response, watch) : response;
}

/** Closes once the session is over, or can't be told not to be. What comes back stops the watch. */
function whileItStands(ask, close) {
  let timer;
  let stopped = false;
  const lookAgain = async () => {
    const next = await Promise.resolve().then(ask).catch(() => 0);
    if (stopped) return;
    if (next > 0) timer = setTimeout(lookAgain, next);
    else close();
  };
  lookAgain();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** What timers of the platform can count to. */
const LONGEST = 2 ** 31 - 1;

function after(milliseconds, close) {
  const timer = setTimeout(close, Math.min(milliseconds, LONGEST));
  return () => clearTimeout(timer);
}

/** The bytes are moved by the platform, and none of them passes through here. */
function watchedStream(response, watch) {
  const { readable, writable } = new IdentityTransformStream();
  const ending = new AbortController();
  const stop = watch(() => ending.abort(new Error("the session is over")));
  response.body.pipeTo(writable, { signal: ending.signal }).catch(() => {}).finally(stop);
  return new Response(readable, response);
}

function watchedSocket(response, doing) {
  const [outer, inner] = Object.values(new WebSocketPair());
  new Relay(inner, response.webSocket, doing);
  // How messages are packed is agreed upon with each side by itself.
  const headers = new Headers(response.headers);
  headers.delete("Sec-WebSocket-Extensions");
  return new Response(null, { status: 101, headers, webSocket: outer });
}
