// What the scripts say and how they end: colour on a terminal only, progress for what takes long,
// and an error that closes with the next command to type.

import { stripVTControlCharacters } from 'node:util';

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** Whether `stream` may be coloured: a terminal, and https://no-color.org is not asked for. */
export function isColoured(stream = process.stdout) {
  return Boolean(stream.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** `text` in `style` (a key of STYLES), or bare where there are no colours. */
export function paint(style, text, stream = process.stdout) {
  return isColoured(stream) ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

/** A problem a person can act on. `next` is what to type or do about it. */
export class Failure extends Error {
  constructor(problem, next) {
    super(problem);
    this.next = next;
  }
}

export function say(text = '') {
  process.stdout.write(`${text}\n`);
}

/** The headline of one part of the work. */
export function headline(text) {
  say(`\n${paint('bold', text)}`);
}

/** Milliseconds as a person says them: `4.2 s`, `3 min 05 s`. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}

/**
 * Runs `work(report)` and shows that it lives: one moving line on a terminal, elsewhere a line every
 * 15 seconds. `report(text)` says what is being done at the moment.
 */
export async function withProgress(title, work, stream = process.stdout) {
  const started = Date.now();
  const live = stream.isTTY;
  let doing = '';
  const line = () => `${title} (${duration(Date.now() - started)})${doing && `: ${doing}`}`;
  const draw = () => {
    if (!live) return void stream.write(`${line()}\n`);
    const width = (stream.columns ?? 80) - 1;
    stream.write(`\r\u001b[2K${line().slice(0, width)}`);
  };
  const timer = setInterval(draw, live ? 200 : 15_000);
  if (!live) stream.write(`${title} ...\n`);
  const end = (mark) => {
    clearInterval(timer);
    stream.write(`${live ? '\r\u001b[2K' : ''}${title}: ${mark} after ${duration(Date.now() - started)}\n`);
  };
  try {
    const result = await work((text) => (doing = stripVTControlCharacters(text).trim()));
    end(paint('green', 'done', stream));
    return result;
  } catch (error) {
    end(paint('red', 'failed', stream));
    throw error;
  }
}

/** Prints a problem and its cure. */
export function explain(error) {
  if (error instanceof Failure) {
    process.stderr.write(`\n${paint('red', 'error:', process.stderr)} ${error.message}\n`);
    process.stderr.write(`${paint('bold', 'next:', process.stderr)}  ${error.next}\n`);
  } else {
    process.stderr.write(`\n${error?.stack ?? error}\n`);
    process.stderr.write('next:  this is a bug of the script; please report it with the lines above\n');
  }
}

/** A script's `main`: answers --help, runs `work(process.argv)`, and makes an error exit code 1. */
export async function script(help, work) {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    say(help.trim());
    return;
  }
  try {
    await work(argv);
  } catch (error) {
    explain(error);
    process.exitCode = 1;
  }
}
