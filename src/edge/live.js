// Connections that stay open: a WebSocket or an event stream that was opened under a session, or with a token, does not
// outlive it. Each is watched within the request that opened it, which lasts as long as the connection does.

import { worker } from "./worker.js";

/** RFC 6455 §7.4.1: closed by a rule, not by a fault. */
const POLICY = 1008;
const FAULT = 1011;

/** Whether an answer stays open by its nature, for how long nobody knows. */
export function isLive(response) {
  return response.webSocket != null || /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
}

/**
 * The same connection, closed when the session of these cookies is over. Without cookies: after `milliseconds`, at the
 * end of a token.
 */
export function watched(response, request, env, cookies, milliseconds) {
  const watch = (close) => (cookies === undefined ? after(milliseconds, close) : whileItStands(() => worker.look(env, request, cookies), close));
  if (response.webSocket) return watchedSocket(response, watch);
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

function watchedSocket(response, watch) {
  const [outer, inner] = Object.values(new WebSocketPair());
  const origin = response.webSocket;
  const stop = watch(() => [inner, origin].forEach((socket) => close(socket, POLICY, "the session is over")));
  relay(inner, origin, stop);
  relay(origin, inner, stop);
  // How messages are packed is agreed upon with each side by itself.
  const headers = new Headers(response.headers);
  headers.delete("Sec-WebSocket-Extensions");
  return new Response(null, { status: 101, headers, webSocket: outer });
}

function relay(from, to, stop) {
  from.accept();
  from.binaryType = "arraybuffer";
  from.addEventListener("message", ({ data }) => {
    try {
      to.send(data);
    } catch {
      // It has closed meanwhile; its own event says so.
    }
  });
  from.addEventListener("close", ({ code, reason }) => {
    stop();
    close(to, code, reason);
  });
  from.addEventListener("error", () => {
    stop();
    close(to, FAULT);
  });
}

/** Codes that stand for "there was none" and "it broke" can't be sent. */
function close(socket, code, reason) {
  try {
    if (code === 1005) socket.close();
    else socket.close(code === 1006 ? FAULT : code, reason);
  } catch {
    // It is closed.
  }
}
