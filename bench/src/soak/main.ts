/**
 * `npm run soak`: the built `spoor` under load for an hour, and what becomes of its memory, its acknowledgements and its answers, a line a minute.
 *
 *     npm run soak -- [--minutes 60] [--corpus shop|market] [--senders 8] [--rate SPANS] [--max-disk SIZE] [--data DIR] [--no-ask]
 *
 * Exit status: 0, or 1 where something that was acknowledged is not found, or a question is refused; 2 for a wrong argument.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, okBody } from '../candidate/client.ts'
import { startSpoor } from '../candidate/program.ts'
import { runCommand } from '../command.ts'
import { FULL } from '../context.ts'
import { originNs } from '../measure.ts'
import { diskBytes } from '../process/disk.ts'
import { together } from '../process/together.ts'
import { cpuSeconds, machineSeconds, peakMemory, residentMemory, resetPeakMemory } from '../process/usage.ts'
import { loadBackends } from '../sections/backends.ts'
import type { LoadResult } from '../workload/load.ts'
import { readSoakOptions, SOAK_USAGE, type SoakOptions } from './options.ts'
import { startAsking } from './questions.ts'

/** How long ago the first pass was, hours: each is a minute of time, and the load does several a second. */
const BACK_HOURS = 24 * 14
const MINUTE_MS = 60_000

interface Minute {
  readonly spans: number
  readonly rss: number
  readonly peak: number
  readonly ackP99: number
  /** Milliseconds. */
  readonly byId: readonly number[]
}

async function soak(options: SoakOptions): Promise<number> {
  return together(async (belongings) => {
    const { own, folder } = belongings
    const data = options.data ?? join(folder, 'spoor')
    mkdirSync(data, { recursive: true })
    const flags = options.maxDisk === undefined ? [] : ['--max-disk', options.maxDisk]
    const program = await own(startSpoor(data, undefined, flags))
    const context = {
      size: FULL,
      peers: { folder, files: {} },
      store: { spans: 0, folder: undefined, fillOnly: false },
      progress: () => {},
    }
    const backends = [{ side: 'spoor', program }] as const
    const origin = originNs(BACK_HOURS)
    const { load, subjects, wholeTraces } = await loadBackends(context, belongings, backends, options.corpus, origin)
    const { order } = subjects('soak', options.senders)[0]!
    const over = new AbortController()
    const asking = options.ask ? startAsking(program.page, options.corpus, over.signal) : undefined
    const minutes: Minute[] = []
    const spans: number[] = []
    let failures = 0
    console.log(`pid ${program.pid}, ${data}; milliseconds are p50 / p99`)
    for (let minute = 1; minute <= options.minutes; minute++) {
      const [cpu, machine] = [cpuSeconds(program.pid), machineSeconds()]
      resetPeakMemory(program.pid)
      const rate = options.rate === undefined ? {} : { rate: options.rate }
      const result = await load.call<LoadResult>('load', { ...order, ...rate, spans: 1e12, maxMs: MINUTE_MS })
      spans.push(result.spans)
      asking?.sent(wholeTraces(result), minute, oldestMinute(spans, await storedSpans(program.page)))
      const asked = asking?.take() ?? { byId: [], latest: [], failures: [] }
      const [rss, peak] = [residentMemory(program.pid) / 1e6, peakMemory(program.pid) / 1e6]
      const { p50, p99 } = result.latency
      minutes.push({ spans: result.spans, rss, peak, ackP99: p99, byId: asked.byId })
      const seconds = result.elapsedMs / 1000
      const share = (used: number): string => `${((100 * used) / seconds).toFixed(0)} %`
      console.log(
        [
          `${String(minute).padStart(3)} min  ${(result.spans / seconds / 1000).toFixed(0)} k spans/s`,
          `acknowledged ${p50.toFixed(0)} / ${p99.toFixed(0)}, refused ${result.refused}`,
          `by id ${range(asked.byId)}, latest 20 ${range(asked.latest)}`,
          `RSS ${rss.toFixed(0)} MB, at most ${peak.toFixed(0)}`,
          `${((await diskBytes(data)) / 1e9).toFixed(2)} GB`,
          `CPU ${share(cpuSeconds(program.pid) - cpu)} of ${share(machineSeconds() - machine)}`,
        ].join(' · '),
      )
      failures += asked.failures.length
      for (const text of asked.failures.slice(0, 3)) console.log(`         ${text.slice(0, 300)}`)
    }
    over.abort()
    await asking?.ended()
    console.log(verdict(minutes, failures))
    return failures > 0 ? 1 : 0
  })
}

/** The store's own count. */
async function storedSpans(page: string): Promise<number> {
  const body = await okBody(createClient(page), '/api/spoor/v1/status')
  return (JSON.parse(body.toString()) as { store: { spans: number } }).store.spans
}

/** From which minute on everything is surely kept, of a store that lets the oldest go: half of what it has is newer. */
function oldestMinute(spans: readonly number[], stored: number): number {
  let since = 0
  let minute = spans.length
  while (minute > 0 && since + spans[minute - 1]! <= stored / 2) since += spans[--minute]!
  return minute + 1
}

function verdict(minutes: readonly Minute[], failures: number): string {
  const middle = (rows: readonly Minute[]): number => percentile(rows.map(({ rss }) => rss), 0.5) // prettier-ignore
  const quarter = Math.ceil(minutes.length / 4)
  const most = (of: (minute: Minute) => number): string => Math.max(...minutes.map(of)).toFixed(0)
  const spans = minutes.reduce((sum, minute) => sum + minute.spans, 0)
  return [
    `\n${spans.toLocaleString('en')} spans in ${minutes.length} minutes; ${failures} questions failed`,
    `RSS at most ${most(({ peak }) => peak)} MB; median of the second quarter ${middle(minutes.slice(quarter, 2 * quarter)).toFixed(0)}, of the last ${middle(minutes.slice(-quarter)).toFixed(0)}`,
    `by id, all minutes: ${range(minutes.flatMap(({ byId }) => byId))}`,
    `worst minute's p99: acknowledged ${most(({ ackP99 }) => ackP99)} ms, by id ${most(({ byId }) => percentile(byId, 0.99))} ms`,
  ].join('\n')
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

const range = (values: readonly number[]): string =>
  values.length === 0 ? '–' : `${percentile(values, 0.5).toFixed(0)} / ${percentile(values, 0.99).toFixed(0)}`

await runCommand(readSoakOptions, SOAK_USAGE, soak)
