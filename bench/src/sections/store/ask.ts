import { median, percentile } from '../../figure.ts'
import { timed } from '../../process/timed.ts'
import { cpuSeconds, machineSeconds } from '../../process/usage.ts'

/** One kind of question to a store. */
export interface Question {
  readonly name: string
  /** How often it is asked at the most. */
  readonly times: number
  /** Asks it once. Rejects when the answer is wrong. Gives what a reader must know of the answer, if anything. */
  ask(turn: number): Promise<string | void>
  readonly budget: Budget
}

/** What a question may cost, in milliseconds: 95 of 100 answers, and the server's CPU for one. */
export interface Budget {
  readonly p95?: number
  readonly cpu?: number
}

export interface Asked {
  readonly question: Question
  readonly times: number
  /** Milliseconds until the whole answer was there: of the first time, and of all. */
  readonly first: number
  readonly p50: number
  readonly p95: number
  /** CPU milliseconds of the server, an answer. */
  readonly cpu: number
  /** Cores that were taken by others than the server and who asks. */
  readonly others: number
  readonly told: string | undefined
}

/**
 * Asks it again and again for at most `mostMs`, and counts what the process takes for it.
 *
 * @param cpuOf CPU seconds of what counts of the process; by default of all of it
 */
export async function askMany(
  pid: number,
  question: Question,
  mostMs: number,
  cpuOf: () => number = () => cpuSeconds(pid),
): Promise<Asked> {
  const times: number[] = []
  const used = () => ({
    counted: cpuOf(),
    server: cpuSeconds(pid),
    machine: machineSeconds(),
    own: cpuSeconds(process.pid),
  })
  const before = used()
  const started = performance.now()
  let told: string | undefined
  for (let turn = 0; turn < question.times; turn++) {
    if (turn > 0 && performance.now() - started > mostMs) break
    const { ms, result } = await timed(() => question.ask(turn))
    times.push(ms)
    told ??= result ?? undefined
  }
  const seconds = (performance.now() - started) / 1e3
  const after = used()
  const server = after.server - before.server
  const others = (after.machine - before.machine - server - (after.own - before.own)) / seconds
  const cpu = ((after.counted - before.counted) * 1e3) / times.length
  const first = times[0]!
  return { question, times: times.length, first, p50: median(times), p95: percentile(times, 95), cpu, others, told }
}
