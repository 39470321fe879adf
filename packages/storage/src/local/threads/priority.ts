import { getPriority, setPriority } from 'node:os'

/**
 * The calling thread gives way to others, as `nice` has it (1 to 19); where it gives way more already, as all of a process that was started with
 * `nice`, it stays so: who is not root may not take that back. On Linux alone: elsewhere it would be the whole process.
 */
export function giveWay(nice: number): void {
  // Of Linux, 0 is the calling thread.
  if (process.platform === 'linux') setPriority(0, Math.max(nice, getPriority(0)))
}
