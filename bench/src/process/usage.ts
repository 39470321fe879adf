import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc: `USER_HZ`, which is 100 on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * CPU seconds that a process has used, user and system, all its threads, in steps of 10 ms: `utime + stime` of
 * /proc/PID/stat. Taken from outside, so that nothing is measured with the measured process's own clock. Linux only.
 */
export function cpuSeconds(pid: number): number {
  const stat = read(`/proc/${pid}/stat`)
  // The command's name, in brackets, may hold spaces: fields are counted from behind it. utime and stime are the 14th
  // and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory that a process has held since it was started, in bytes: `VmHWM` of /proc/PID/status. Linux only. */
export function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`)
  return Number(kilobytes) * 1024
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`cannot read ${file}: the bench measures processes through /proc and so runs on Linux only`, {
      cause: error,
    })
  }
}
