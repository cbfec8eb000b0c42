// The messages of a WebSocket that is watched, from one side to the other. The platform reads from each side as fast as that
// one sends and can't be told to wait; it only tells how much the other side has not taken yet. So what waits is bounded by
// ending the connection.

/** RFC 6455 §7.4.1: closed by a rule; by a fault. By IANA's registry: try again later. */
const POLICY = 1008;
const FAULT = 1011;
const TRY_AGAIN_LATER = 1013;

/** A side for which so many bytes wait is sent nothing more; a single message may be longer. */
const MOST_WAITING = 16 * 1024 * 1024;
/** In all connections of the isolate, which has 128 MB: where more waits, nobody may have more than an equal share. */
const MOST_WAITING_IN_ALL = 32 * 1024 * 1024;
/** In milliseconds: how often is looked at what waits, and how long for a side that does nothing more. */
const LOOK_AGAIN = 1000;
const PATIENCE = 5000;

/** What waits in the isolate, the oldest news first: numbers alone, since one request can't look into another. */
const known = new Set();
let waitingInAll = 0;

function forget(news) {
  if (known.delete(news)) waitingInAll -= news.waiting;
}

/** What waits for one side. */
class Backlog {
  news = { waiting: 0, at: 0 };

  constructor(socket) {
    this.socket = socket;
  }

  look() {
    forget(this.news);
    this.news = { waiting: this.socket.bufferedAmount, at: Date.now() };
    if (this.news.waiting > 0) {
      known.add(this.news);
      waitingInAll += this.news.waiting;
    }
    // Those of requests that were cut off, which could take nothing back.
    for (const news of known) {
      if (this.news.at - news.at < PATIENCE) break;
      forget(news);
    }
  }

  isTooLong() {
    this.look();
    const { waiting } = this.news;
    return waiting > MOST_WAITING || (waitingInAll > MOST_WAITING_IN_ALL && waiting > MOST_WAITING_IN_ALL / known.size);
  }
}

/** Two sides that talk to each other. */
export class Relay {
  backlogs;
  closed = new Set();
  /** When a connection that ends is given up. */
  deadline = Infinity;
  isEnded = false;

  /** `watch` is given how to end it and gives how to stop; `tell` is told who was too slow; `abort`, if there is one, lets go of all there is. */
  constructor(visitor, origin, { watch, tell, abort }) {
    this.backlogs = [visitor, origin].map((socket) => new Backlog(socket));
    const [forVisitor, forOrigin] = this.backlogs;
    this.slow = (backlog) => tell(backlog === forVisitor);
    this.abort = abort;
    this.stop = watch(() => this.end(POLICY, "the session is over"));
    this.carry(visitor, forOrigin);
    this.carry(origin, forVisitor);
  }

  carry(from, backlog) {
    const to = backlog.socket;
    const over = (code, reason) => {
      this.closed.add(from);
      close(to, code, reason);
      this.begin();
    };
    from.accept();
    from.binaryType = "arraybuffer";
    from.addEventListener("message", ({ data }) => {
      if (this.isEnded) return;
      if (backlog.isTooLong()) return this.giveUp(backlog);
      try {
        to.send(data);
      } catch {
        // It has closed meanwhile; its own event says so.
      }
      backlog.look();
      if (backlog.news.waiting > 0) this.lookSoon();
    });
    from.addEventListener("close", ({ code, reason }) => over(code, reason));
    from.addEventListener("error", () => over(FAULT));
  }

  /** The session is over, or a side is too slow. */
  end(code, reason) {
    if (this.isEnded) return;
    this.isEnded = true;
    this.backlogs.forEach(({ socket }) => close(socket, code, reason));
    this.begin();
  }

  giveUp(backlog) {
    this.end(TRY_AGAIN_LATER, "the other side reads too slowly");
    this.slow(backlog);
  }

  /** From now on it ends. */
  begin() {
    this.stop();
    if (this.deadline === Infinity) this.deadline = Date.now() + PATIENCE;
    this.lookSoon();
  }

  lookSoon() {
    this.timer ??= setTimeout(() => this.lookAgain(), LOOK_AGAIN);
  }

  lookAgain() {
    this.timer = undefined;
    if (this.closed.size === 2) return this.backlogs.forEach(({ news }) => forget(news));
    const before = this.waiting();
    const [late] = this.backlogs.filter((backlog) => backlog.isTooLong());
    if (late !== undefined && !this.isEnded) this.giveUp(late);
    const now = Date.now();
    // Who still takes what was sent before the other side closed, takes it to its end.
    if (!this.isEnded && this.waiting() !== before) this.deadline = Math.max(this.deadline, now + PATIENCE);
    if (now >= this.deadline) this.letGo();
    else if (this.deadline < Infinity || this.waiting() > 0) this.lookSoon();
  }

  waiting() {
    return this.backlogs.reduce((sum, { news }) => sum + news.waiting, 0);
  }

  letGo() {
    // What can't be let go goes on to count.
    if (this.abort === undefined) return this.lookSoon();
    this.backlogs.forEach(({ news }) => forget(news));
    this.abort();
  }
}

/** What can't be sent is told as a fault: a code that stands for "it broke" or is none (RFC 6455 §7.4), a reason that is too long. */
function close(socket, code, reason) {
  try {
    if (code === 1005) socket.close();
    else socket.close(code, reason);
  } catch {
    try {
      socket.close(FAULT);
    } catch {
      // It is closed.
    }
  }
}
