import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Clock ticks a second in /proc: `USER_HZ`, which is 100 on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * CPU seconds that a process has used, user and system, all its threads, in steps of 10 ms: `utime + stime` of
 * /proc/PID/stat. Taken from outside, so that nothing is measured with the measured process's own clock. Linux only.
 */
export const cpuSeconds = (pid: number): number => cpuOf(`/proc/${pid}/stat`)

/** The same of the threads of a process that have this name, 15 characters at the most, and have not ended. */
export function threadCpuSeconds(pid: number, name: string): number {
  const folder = `/proc/${pid}/task`
  const threads = readdirSync(folder).filter((thread) => read(`${folder}/${thread}/comm`).trim() === name)
  return threads.reduce((sum, thread) => sum + cpuOf(`${folder}/${thread}/stat`), 0)
}

/** CPU seconds that all processes of the machine have used, and its kernel, without what was waited for the disk. */
export function machineSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    /^cpu +(.*)$/m.exec(read('/proc/stat'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}

function cpuOf(file: string): number {
  const stat = read(file)
  // The command's name, in brackets, may hold spaces: fields are counted from behind it. utime and stime are the 14th
  // and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory that a process has held since it was started, or since {@link resetPeakMemory}, in bytes: `VmHWM` of /proc/PID/status. Linux only. */
export const peakMemory = (pid: number): number => memoryOf(pid, 'VmHWM')

/** The memory that a process holds now, in bytes: `VmRSS`. */
export const residentMemory = (pid: number): number => memoryOf(pid, 'VmRSS')

function memoryOf(pid: number, field: string): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(read(`/proc/${pid}/status`))?.[1]
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`)
  return Number(kilobytes) * 1024
}

/** Makes {@link peakMemory} begin anew, from what the process holds now. */
export function resetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
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
