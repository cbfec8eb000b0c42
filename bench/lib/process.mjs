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

/** Seconds of processor time so far, of all threads, in user and in kernel mode: to the nanosecond, where ticks are of 10 ms. */
export function processorSeconds(pid) {
  const nanoseconds = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + nanoseconds(thread), 0) / 1e9;
}
