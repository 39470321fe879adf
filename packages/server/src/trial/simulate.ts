/** `spoor collector simulate`: what the policies of a configuration would have kept of traffic that there was. */
import type { Readable } from 'node:stream'
import { type ConfigText, type Edge, EMPTY_CONTEXT, type Factory, startTrial } from '@spoor/collector'
import { bytesToHex, createBatch, createSpanColumns, formatDuration, scanSpans, type TelemetryBatch } from '@spoor/otlp'
import { StorageError, type ToolOptions } from '@spoor/storage'
import { SpoorError } from '../error.ts'
import { counted, print, type ToolOutput, toned } from '../tools/output.ts'
import { tableLines } from '../tools/table.ts'
import { receiverFor } from './receiver.ts'
import { type Kept, type SamplingReport, samplingReport } from './sampling.ts'
import { Traffic } from './traffic.ts'

export interface SimulateCommand {
  readonly config: readonly ConfigText[]
  readonly factories: readonly Factory[]
  /** A data directory, or files. */
  readonly from: readonly string[]
  readonly receiver: string | undefined
  readonly maxSpans: number
  /** Traces that take as long are slow, seconds. Undefined: the slowest twentieth of each operation. */
  readonly slowS: number | undefined
  readonly stdin: Readable
}

/** What is waited for behind the last span, milliseconds. */
const AFTER_MS = 61_000
const SHOWN_OPERATIONS = 25
/** Exporters that keep nothing. */
const KEEPS_NOTHING: readonly string[] = ['nop', 'debug']
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export async function simulate(command: SimulateCommand, output: ToolOutput, tool: ToolOptions): Promise<number> {
  const traffic = await Traffic.read(command, tool)
  if (traffic.spans === 0) {
    const why = traffic.notes.map((note) => `\n  ${note}`).join('')
    throw new SpoorError('file', `there are no spans in ${command.from.join(', ')}${why && `:${why}`}`)
  }
  const report = await run(command, traffic, tool)
  print(output, report, () => lines(command, report, output))
  return 0
}

async function run(command: SimulateCommand, traffic: Traffic, tool: ToolOptions): Promise<SamplingReport> {
  const { config, factories, slowS } = command
  const keeper = new Keeper()
  const seconds = traffic.seconds()
  const first = seconds.next().value!
  const trial = await startTrial({
    config,
    factories,
    logger: QUIET,
    startMs: first.atS * 1000,
    onBatch: (edge, batch) => keeper.see(edge, batch),
  })
  try {
    const ends = trial.pipelines.flatMap(({ id, signal, exporters }) =>
      signal === 'traces'
        ? exporters.filter((name) => !trial.connectors.has(name)).map((name) => ({ id: `${id}:${name}`, name }))
        : [],
    )
    const keeping = ends.filter(({ name }) => !KEEPS_NOTHING.includes(trial.types.get(name) ?? ''))
    keeper.watch((keeping.length > 0 ? keeping : ends).map(({ id }) => id))
    const receiver = receiverFor(trial, 'traces', command.receiver)
    for (let next: typeof first | undefined = first; next; next = seconds.next().value) {
      if (tool.signal?.aborted) throw new StorageError('cancelled', 'the simulation was stopped, as was asked for')
      await trial.pass(Math.max(0, (next.atS - first.atS) * 1000 - trial.nowMs))
      // What is refused is lost, as it would be where its sender gives up.
      for (const request of next.requests)
        await trial.give(receiver, createBatch('traces', [request]), EMPTY_CONTEXT).catch(() => {})
    }
    await trial.pass(AFTER_MS)
  } finally {
    await trial.end()
  }
  return samplingReport(traffic, keeper.kept(), trial.snapshot(), slowS)
}

/** Counts the spans of each trace that come to exporters. */
class Keeper {
  readonly #columns = createSpanColumns()
  readonly #spans = new Map<string, Map<string, number>>()

  watch(edges: readonly string[]): void {
    for (const id of edges) this.#spans.set(id, new Map())
  }

  see({ id }: Edge, { chunks }: TelemetryBatch): void {
    const spans = this.#spans.get(id)
    if (!spans) return
    for (const { bytes } of chunks) {
      const columns = this.#columns
      columns.count = 0
      scanSpans(bytes, columns)
      for (let row = 0; row < columns.count; row++) {
        const trace = bytesToHex(columns.traceId.subarray(16 * row, 16 * row + 16))
        spans.set(trace, (spans.get(trace) ?? 0) + 1)
      }
    }
  }

  /** Of each trace, at the exporter that got most of it. */
  kept(): Map<string, number> {
    const most = new Map<string, number>()
    for (const spans of this.#spans.values())
      for (const [trace, count] of spans) most.set(trace, Math.max(count, most.get(trace) ?? 0))
    return most
  }
}

function lines({ config, from, slowS }: SimulateCommand, report: SamplingReport, output: ToolOutput): string[] {
  const { all, operations, policies, dropped, durationS, notes } = report
  const rate = (spans: number): string =>
    `${(spans / durationS).toLocaleString('en', { maximumFractionDigits: 1 })} spans/s`
  const shown = operations.slice(0, SHOWN_OPERATIONS)
  const hidden = operations.length - shown.length
  const slow =
    slowS === undefined ? 'the slowest twentieth of each operation' : `${formatDuration(slowS * 1e9)} and more`
  return [
    `${config.map(({ file }) => file).join(', ')} over ${counted(all.spans, 'span')} of ${counted(all.traces, 'trace')} from ${from.join(', ')}, ${formatDuration(durationS * 1e9)}`,
    ...notes.map((note) => `${toned(output, 'yellow', 'note')} ${note}`),
    '',
    `  kept    ${toned(output, 'green', share(all.spansKept, all.spans))} of the spans, ${share(all.tracesKept, all.traces)} of the traces (${all.tracesKept.toLocaleString('en')})`,
    `  saved   ${rate(all.spans - all.spansKept)}: ${rate(all.spansKept)} in place of ${rate(all.spans)}`,
    `  errors  ${missedText(all.errors, all.errorsKept, output)}`,
    `  slow    ${missedText(all.slow, all.slowKept, output)} (${slow})`,
    '',
    ...tableLines(
      [
        { name: 'SERVICE' },
        { name: 'OPERATION' },
        { name: 'TRACES', figures: true },
        { name: 'KEPT', figures: true },
        { name: 'SPANS', figures: true },
        { name: 'KEPT', figures: true },
        { name: 'ERRORS MISSED', figures: true },
        { name: 'SLOW MISSED', figures: true },
      ],
      shown.map((each) => [each.service, each.operation, ...cellsOf(each)]),
    ),
    ...(hidden > 0 ? [`  and ${counted(hidden, 'operation')} more: --json has all`] : []),
    ...sectionOf(
      'policies, by themselves',
      Object.entries(policies).map(([name, traces]) => [name, traces.toLocaleString('en'), share(traces, all.traces)]),
      output,
    ),
    ...sectionOf(
      'spans dropped',
      dropped.map(({ processor, reason, spans }) => [
        `${processor}, ${reason}`,
        spans.toLocaleString('en'),
        share(spans, all.spans),
      ]),
      output,
    ),
  ]
}

function sectionOf(
  title: string,
  rows: readonly (readonly [string, string, string])[] | string[][],
  output: ToolOutput,
): string[] {
  if (rows.length === 0) return []
  const table = tableLines([{ name: '' }, { name: '', figures: true }, { name: '', figures: true }], rows)
  return ['', `  ${toned(output, 'gray', title)}`, ...table.slice(1)]
}

function cellsOf(kept: Kept): string[] {
  const missed = (all: number, of: number): string =>
    all === 0 ? '–' : `${(all - of).toLocaleString('en')} of ${all.toLocaleString('en')}`
  return [
    kept.traces.toLocaleString('en'),
    share(kept.tracesKept, kept.traces),
    kept.spans.toLocaleString('en'),
    share(kept.spansKept, kept.spans),
    missed(kept.errors, kept.errorsKept),
    missed(kept.slow, kept.slowKept),
  ]
}

function missedText(all: number, kept: number, output: ToolOutput): string {
  if (all === 0) return 'none'
  const missed = all - kept
  const text = `${missed.toLocaleString('en')} of ${counted(all, 'trace')} missed`
  return missed === 0 ? toned(output, 'green', `all ${counted(all, 'trace')} kept`) : toned(output, 'red', text)
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`
}
