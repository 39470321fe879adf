/**
 * The memory of processes over time, and whether it goes on growing. Looks while a fault is on, or just was, say what the
 * fault does; those at a young process what a start does. A step that stays is no growth either: pages that were used once
 * are used again. What leaks comes to more from each quarter to the next.
 */
import { readFile } from 'node:fs/promises'
import { median } from '../labs/lab.ts'
import { isAffected } from './judge.ts'
import type { OnTime } from './judge.ts'

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
  /** Medians of the quiet looks of the second, third and last quarter of the time, MB; NaN where there are none. */
  readonly quarters: readonly [number, number, number]
  /** Of all looks, MB. */
  readonly most: number
  /** How many processes there were. */
  readonly lives: number
  /** From one quarter to the next it is more, both times, beyond a share and some MB; undefined where there are no quiet looks. */
  readonly grows: boolean | undefined
}

/** Resident sets of garbage collected processes go up and down by so much, MB and share. */
const SLACK_MB = 10
const SLACK_SHARE = 0.05
/** So long caches of a process fill and its code is compiled, ms. */
const YOUNG_MS = 60_000

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

/** By name, of what was looked at between two times. @param faults Those that were on. */
export function memoryUse(
  samples: readonly MemorySample[],
  faults: readonly OnTime[],
  from: number,
  to: number,
): MemoryUse[] {
  const quarter = (to - from) / 4
  return [...Map.groupBy(samples, ({ name }) => name)].map(([name, own]) => {
    const lives = [...Map.groupBy(own, ({ pid }) => pid).values()]
    const grown = lives.flatMap((life) => life.filter(({ at }) => at >= life[0]!.at + YOUNG_MS))
    const quiet = grown.filter(({ at }) => !faults.some((on) => isAffected(on, { from: at, to: at })))
    const during = (index: number): number => {
      const begin = from + index * quarter
      return median(quiet.filter(({ at }) => at >= begin && at < begin + quarter).map(({ rss }) => rss))
    }
    const quarters = [during(1), during(2), during(3)] as const
    const [second, third, last] = quarters
    const isMore = (value: number, than: number): boolean => value > than * (1 + SLACK_SHARE) + SLACK_MB
    return {
      name,
      quarters,
      most: Math.max(...own.map(({ rss }) => rss)),
      lives: lives.length,
      grows: quarters.some(Number.isNaN) ? undefined : isMore(third, second) && isMore(last, third),
    }
  })
}
