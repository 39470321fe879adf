/** The memory of processes over time, and whether it is flat. */
import { readFile } from 'node:fs/promises'
import { median } from '../labs/lab.ts'

/** A look at one process. */
export interface MemorySample {
  readonly name: string
  readonly pid: number
  /** ms since 1970. */
  readonly at: number
  /** Resident set, MB. */
  readonly rss: number
}

/** What was seen of the processes of one name. */
export interface MemoryUse {
  readonly name: string
  /** Medians of the second and of the last quarter of the time, and the most, MB. */
  readonly second: number
  readonly last: number
  readonly most: number
  /** How many processes there were. */
  readonly lives: number
  /** Whether the last quarter is no more than the second, within a share and some MB. */
  readonly flat: boolean
}

/** Resident sets of garbage collected processes go up and down by so much, MB and share. */
const SLACK_MB = 25
const SLACK_SHARE = 0.15

/** Looks at each of them; those that have ended meanwhile are left out. Empty where there is no /proc. */
export async function sampleMemory(
  processes: readonly { readonly name: string; readonly pid: number }[],
): Promise<MemorySample[]> {
  const at = Date.now()
  const looks = processes.map(async ({ name, pid }) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? []
    return kilobytes === undefined ? [] : [{ name, pid, at, rss: Number(kilobytes) / 1024 }]
  })
  return (await Promise.all(looks)).flat()
}

/** By name, of what was looked at between two times. */
export function memoryUse(samples: readonly MemorySample[], from: number, to: number): MemoryUse[] {
  const quarter = (to - from) / 4
  return [...Map.groupBy(samples, ({ name }) => name)].map(([name, own]) => {
    const between = (begin: number, end: number): number =>
      median(own.filter(({ at }) => at >= begin && at <= end).map(({ rss }) => rss))
    const second = between(from + quarter, from + 2 * quarter)
    const last = between(to - quarter, to)
    return {
      name,
      second,
      last,
      most: Math.max(...own.map(({ rss }) => rss)),
      lives: new Set(own.map(({ pid }) => pid)).size,
      flat: !(last > second * (1 + SLACK_SHARE) + SLACK_MB),
    }
  })
}
