// What Linux says about a process: its memory and the processor time it has had.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Failure } from '../../scripts/lib/terminal.mjs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

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

/** Seconds of processor time so far, of all threads, in user and in kernel mode. */
export function processorSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in brackets and may hold spaces; the fields after it don't.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [fields[11], fields[12]].map(Number);
  return (utime + stime) / TICKS_PER_SECOND;
}
