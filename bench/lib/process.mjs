// What Linux says about a process: its memory and the processor time it has had.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { Failure } from '../../scripts/lib/terminal.mjs';

/** Fails early, in words, where there is no /proc to read. */
export function requireProc() {
  if (!existsSync('/proc/self/status')) throw new Failure('this benchmark reads /proc, which this system lacks', 'run it on Linux');
}

/** Resident memory in bytes, and the most it has ever been. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]) * 1024;
  return { resident: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
}

/** A process and all that it has started. */
export function familyOf(pid) {
  const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => [Number(name), parentOf(name)]);
  const family = [pid];
  for (const member of family) family.push(...parents.filter(([, parent]) => parent === member).map(([child]) => child));
  return family;
}

function parentOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]);
  } catch {
    return 0;
  }
}

/** Seconds of processor time so far, of all threads, in user and in kernel mode: to the nanosecond, where ticks are of 10 ms. */
export function processorSeconds(pids) {
  const nanoseconds = (pid, thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  const threads = [pids].flat().flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((thread) => [pid, thread]));
  return threads.reduce((sum, [pid, thread]) => sum + nanoseconds(pid, thread), 0) / 1e9;
}
