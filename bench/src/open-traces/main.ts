/**
 * `npm run open-traces`: a million traces that wait for their decision at a time, in the built `spoor collector` with an unchanged YAML: what they cost
 * beside few, in CPU and in memory, and whether each that was acknowledged is decided when the process is killed, in the middle of taking and in the middle of deciding.
 *
 *     npm run open-traces -- [--traces 1000000] [--runs 3] [--no-kill]
 *
 * Exit status: 0; 1 where a goal is missed or something is lost; 2 for a wrong argument.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@spoor/collector/testkit'
import { receivers, type Ports } from '../candidate/config.ts'
import { startCollector, type Program } from '../candidate/program.ts'
import { runCommand } from '../command.ts'
import { median } from '../figure.ts'
import { startChild, type Child } from '../process/start.ts'
import { together, type Belongings } from '../process/together.ts'
import { cpuSeconds, peakMemory, residentMemory, resetPeakMemory } from '../process/usage.ts'
import { KEPT_ONE_IN, type Arrivals } from './numbered.ts'
import { OPEN_TRACES_USAGE, readOpenTracesOptions, type OpenTracesOptions } from './options.ts'
import { Sending } from './sending.ts'

const MB = 1e6
/** What the processor may hold of spans in memory, by default, and what is known of a trace besides (ADR 21). */
const BUDGET_BYTES = 64 * 1024 * 1024
const BYTES_A_TRACE = 128
/** The share of the throughput with few open traces that may be lost with all of them. */
const MAX_LOSS = 0.2
const FEW_WAIT_S = 1
/** Nothing has come for so long: nothing will. More than a start and `decision_wait` after a crash take. */
const SILENCE_MS = 30_000
const LOOK_MS = 50

interface Sink {
  readonly http: string
}

interface Run {
  /** Until all were acknowledged. */
  readonly tracesPerSecond: number
  /** From the first that was sent to the last that was decided, microseconds. */
  readonly cpuPerTrace: number
  readonly idleRss: number
  readonly peakRss: number
  readonly sendingSeconds: number
  /** Whether none was decided before all had come. */
  readonly allOpen: boolean
}

/** Keeps what has `keep: yes`, or all. */
function configOf(
  traces: number,
  waitSeconds: number,
  keepsAll: boolean,
  endpoint: string,
  metrics: number,
  ports: Ports,
): string {
  return `
${receivers(ports)}
processors:
  tail_sampling:
    decision_wait: ${waitSeconds}s
    num_traces: ${traces + 100_000}
    policies: [{ name: wanted, type: string_attribute, string_attribute: { key: keep, values: [${keepsAll ? "'yes', 'no'" : "'yes'"}] } }]
  batch: { timeout: 200ms, send_batch_size: 256, acknowledge: exported }
exporters:
  otlp_http: { endpoint: 'http://${endpoint}', compression: none, sending_queue: { enabled: false } }
service:
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: ${metrics} } } } }] } }
  pipelines:
    traces: { receivers: [otlp], processors: [tail_sampling, batch], exporters: [otlp_http] }
`
}

async function open({ own, folder }: Belongings, traces: number, waitSeconds: number, name: string): Promise<Run> {
  const sink = await own(startChild<Sink>('open-traces/sink.ts', [String(traces)]))
  const data = folderOf(folder, name)
  const metrics = await freePort()
  const program = await own(
    startCollector(data, (ports) => configOf(traces, waitSeconds, false, sink.ready.http, metrics, ports)),
  )
  const { pid } = program
  resetPeakMemory(pid)
  const [idleRss, cpu, began] = [residentMemory(pid), cpuSeconds(pid), performance.now()]
  const sending = new Sending(program.grpc, traces)
  await whileRunning(pid, sending.done)
  const sendingSeconds = (performance.now() - began) / 1000
  const early = (await arrivals(sink)).seen
  await whileRunning(pid, settled(sink, traces / KEPT_ONE_IN, SILENCE_MS + waitSeconds * 1000))
  const run = {
    tracesPerSecond: traces / sendingSeconds,
    cpuPerTrace: ((cpuSeconds(pid) - cpu) * 1e6) / traces,
    idleRss,
    peakRss: peakMemory(pid),
    sendingSeconds,
    allOpen: early === 0,
  }
  const { kept, seen, foreign } = await arrivals(sink)
  if (kept < traces / KEPT_ONE_IN || seen > kept || foreign > 0)
    throw new Error(
      `${name}: of ${traces / KEPT_ONE_IN} traces to keep ${kept} came out, and ${seen - kept + foreign} others; it says of itself:\n${await figures(metrics)}`,
    )
  await Promise.all([program.stop(), sink.stop()])
  return run
}

/** What the collector has counted that is not nothing. */
async function figures(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const lines = (await response.text()).split('\n')
  return lines
    .filter((line) => /spans|traces|items|held|fail|flight/.test(line) && !/^#| 0$|_bucket/.test(line))
    .join('\n')
}

/** The process is killed when half has been acknowledged, and again when a tenth has been decided. All are kept, so that each decision is seen. */
async function killed({ own, folder }: Belongings, traces: number, waitSeconds: number): Promise<boolean> {
  const sink = await own(startChild<Sink>('open-traces/sink.ts', [String(traces)]))
  const data = folderOf(folder, 'killed')
  const metrics = await freePort()
  const begin = (): Promise<Program> =>
    own(startCollector(data, (ports) => configOf(traces, waitSeconds, true, sink.ready.http, metrics, ports)))
  let program = await begin()
  const sending = new Sending(program.grpc, traces)
  const crash = async (): Promise<void> => {
    process.kill(program.pid, 'SIGKILL')
    await program.stop()
    const [at, { seen }] = [sending.acknowledged, await arrivals(sink)]
    program = await begin()
    sending.moveTo(program.grpc)
    console.log(
      `killed with ${thousands(at)} acknowledged and ${thousands(seen)} decided; ready again after ${(program.readyMs / 1000).toFixed(1)} s`,
    )
  }
  while (sending.acknowledged < traces / 2) await sleep(LOOK_MS)
  await crash()
  await whileRunning(program.pid, sending.done)
  while ((await arrivals(sink)).seen < traces / 10) await sleep(LOOK_MS)
  await crash()
  await whileRunning(program.pid, settled(sink, traces, SILENCE_MS + waitSeconds * 1000))
  const { seen, twice, foreign } = await arrivals(sink)
  const missing = await sink.call<number[]>('missing', { traces, max: 5 })
  console.log(
    `of ${thousands(sending.acknowledged)} acknowledged traces ${thousands(seen)} were decided, ${thousands(twice)} spans came twice${missing.length > 0 ? `; missing: ${missing.join(', ')}, …` : ''}`,
  )
  await Promise.all([program.stop(), sink.stop()])
  return seen === traces && foreign === 0
}

function folderOf(folder: string, name: string): string {
  const data = join(folder, name)
  mkdirSync(data, { recursive: true })
  return data
}

const arrivals = (sink: Child<Sink>): Promise<Arrivals> => sink.call<Arrivals>('arrivals')

/** Until so many traces have come, or nothing new has for `silenceMs`. */
async function settled(sink: Child<Sink>, traces: number, silenceMs: number): Promise<void> {
  let [last, since] = [-1, performance.now()]
  for (;;) {
    const { seen } = await arrivals(sink)
    if (seen !== last) [last, since] = [seen, performance.now()]
    if (seen >= traces || performance.now() - since > silenceMs) return
    await sleep(LOOK_MS)
  }
}

/** What is waited for, or an error when the process ends meanwhile, which nobody has asked for. */
async function whileRunning<T>(pid: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const watch = async (): Promise<never> => {
    for (; ; await sleep(LOOK_MS, undefined, { signal: over.signal }))
      try {
        process.kill(pid, 0)
      } catch (error) {
        throw new Error(`the collector (process ${pid}) has ended`, { cause: error })
      }
  }
  try {
    return await Promise.race([work, watch()])
  } finally {
    over.abort()
  }
}

async function openTraces(options: OpenTracesOptions): Promise<number> {
  return together(async (belongings) => {
    const { traces } = options
    const few: Run[] = []
    const all: Run[] = []
    // What is sent must have come before the first decision, on this machine, whatever else it does.
    let waitSeconds = 0
    for (let run = 1; run <= options.runs; run++) {
      few.push(told(`run ${run}, few open`, await open(belongings, traces, FEW_WAIT_S, `few-${run}`)))
      waitSeconds = Math.max(waitSeconds, Math.ceil(1.5 * few.at(-1)!.sendingSeconds) + 2)
      const many = told(`run ${run}, all open`, await open(belongings, traces, waitSeconds, `all-${run}`))
      if (!many.allOpen)
        throw new Error(
          `traces were decided before all had come, after ${waitSeconds} s; is the machine busy? Try again`,
        )
      all.push(many)
    }
    // A trace that costs a quarter more is a fifth of the throughput.
    const [cpuFew, cpuAll] = [few, all].map((runs) => median(runs.map(({ cpuPerTrace }) => cpuPerTrace)))
    const [rateFew, rateAll] = [few, all].map((runs) => median(runs.map(({ tracesPerSecond }) => tracesPerSecond)))
    const loss = 1 - cpuFew! / cpuAll!
    const grown =
      Math.max(...all.map(({ peakRss, idleRss }) => peakRss - idleRss)) -
      Math.min(...few.map(({ peakRss, idleRss }) => peakRss - idleRss))
    const budget = BUDGET_BYTES + BYTES_A_TRACE * traces
    console.log(
      [
        `\n${thousands(traces)} open traces, medians of ${options.runs}:`,
        `throughput: ${percent(loss)} lost by CPU (at most ${percent(MAX_LOSS)}): ${cpuFew!.toFixed(1)} µs a trace with few open, ${cpuAll!.toFixed(1)} with all; taken ${thousands(Math.round(rateFew!))} and ${thousands(Math.round(rateAll!))} a second`,
        `memory: ${(grown / MB).toFixed(0)} MB above few open ones, of a budget of ${(budget / MB).toFixed(0)}`,
      ].join('\n'),
    )
    const isWhole = !options.kill || (await killed(belongings, traces, waitSeconds))
    return isWhole && loss <= MAX_LOSS && grown <= budget ? 0 : 1
  })
}

function told(name: string, run: Run): Run {
  const { tracesPerSecond, cpuPerTrace, idleRss, peakRss } = run
  console.log(
    `${name}: ${thousands(Math.round(tracesPerSecond))} traces/s taken, ${cpuPerTrace.toFixed(1)} µs of CPU each, decision included; RSS ${(idleRss / MB).toFixed(0)} MB, at most ${(peakRss / MB).toFixed(0)}`,
  )
  return run
}

const thousands = (count: number): string => count.toLocaleString('en')
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

await runCommand(readOpenTracesOptions, OPEN_TRACES_USAGE, openTraces)
