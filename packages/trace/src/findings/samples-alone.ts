import { childrenOf } from '../children.ts'
import { addressOf } from './addresses.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'
import type { SeenTrace } from './seen-trace.ts'

const [SERVER, CLIENT] = [2, 3]
const ERROR = 2
/** How little it may be chance that ids and gaps agree: one in 16 million. */
const LEAST_BITS = 24
/** Until the other side's spans have come: they end before the call, and wait for their batch. Milliseconds. */
const SETTLED_MS = 6_000
const MAX_EDGES = 500
const MAX_CALLS = 1_000

interface Call {
  readonly traceId: string
  readonly endMs: number
  /** Who answered it; undefined: nobody is there. */
  readonly callee: string | undefined
  readonly language: string
}

interface Edge {
  readonly caller: string
  readonly address: string
  readonly calls: Map<string, Call>
  readonly evidence: Evidence
}

/**
 * A service that decides by the trace's id what it records, and not by what its caller has decided: the calls to it that have no other side are those whose
 * trace ids lie on one side of a limit, as the samplers by ratio of all SDKs have it. So it is told from calls that fail, or to places that make no spans.
 */
export function samplesAlone(): Rule {
  const edges = new Map<string, Edge>()
  return {
    add(seen) {
      const { trace } = seen
      for (let row = 0; row < trace.size; row++) {
        if (trace.kind[row] !== CLIENT || trace.status[row] === ERROR) continue
        const address = addressOf(seen, row)
        if (address === undefined) continue
        const key = `${seen.service(row)}\n${address}`
        if (edges.size >= MAX_EDGES && !edges.has(key)) continue
        const edge = at(edges, key, (): Edge => ({
          caller: seen.service(row),
          address,
          calls: new Map(),
          evidence: new Evidence(),
        }))
        const answer = answerOf(seen, row)
        const before = edge.calls.get(trace.traceId)
        if (before?.callee !== undefined || edge.calls.size >= MAX_CALLS) continue
        const endMs = Math.max(before?.endMs ?? 0, seen.startMs(row) + trace.durationsNs[row]! / 1e6)
        edge.calls.set(trace.traceId, { traceId: trace.traceId, endMs, ...answer })
        if (answer.callee === undefined) edge.evidence.add(seen, row)
      }
    },
    found: (nowMs) => [...edges.values()].flatMap((edge) => gapsOf(edge, nowMs - SETTLED_MS)),
  }
}

function answerOf(seen: SeenTrace, row: number): Pick<Call, 'callee' | 'language'> {
  for (const child of childrenOf(seen.trace, row))
    if (seen.trace.kind[child] === SERVER)
      return { callee: seen.service(child), language: seen.resource(child, ['telemetry.sdk.language']) }
  return { callee: undefined, language: '' }
}

/** What samplers make of a trace's id, to compare it with a limit. */
const MEASURES: readonly ((traceId: string) => bigint)[] = [
  // Python, and Go, whose half of it is in the same order.
  (id) => BigInt(`0x${id.slice(16)}`),
  // Java, without its sign.
  (id) => magnitude(BigInt(`0x${id.slice(16)}`)),
  // .NET, the same of the first half.
  (id) => magnitude(BigInt(`0x${id.slice(0, 16)}`)),
  // JavaScript: the four words, one upon the other.
  (id) => [0, 8, 16, 24].reduce((sum, from) => sum ^ BigInt(`0x${id.slice(from, from + 8)}`), 0n),
  // The specification's second version: 56 bits of chance.
  (id) => BigInt(`0x${id.slice(18)}`),
]

function magnitude(bits: bigint): bigint {
  const signed = BigInt.asIntN(64, bits)
  return signed < 0n ? -signed : signed
}

/** `settledMs`: what ended later may not be whole. */
function gapsOf({ caller, address, calls, evidence }: Edge, settledMs: number): Finding[] {
  const settled = [...calls.values()].filter(({ endMs }) => endMs <= settledMs)
  const answered = settled.filter(({ callee }) => callee !== undefined)
  const alone = settled.filter(({ callee }) => callee === undefined)
  if (bitsOfChoice(settled.length, answered.length) < LEAST_BITS) return []
  const isByLimit = MEASURES.some((measure) => {
    const inside = rangeOf(answered.map(({ traceId }) => measure(traceId)))
    const outside = rangeOf(alone.map(({ traceId }) => measure(traceId)))
    return inside.most < outside.least || outside.most < inside.least
  })
  if (!isByLimit) return []
  const { callee = '', language } = answered[0]!
  const share = Math.round((100 * answered.length) / settled.length) / 100
  return [
    {
      id: idOf('samples_alone', caller, callee, address),
      code: 'samples_alone',
      severity: 'error',
      what: `${callee} decides by itself, by the id of a trace, what it records: of ${settled.length} requests that ${caller} records it has ${answered.length} (${Math.round(100 * share)} %), and traces have holes.`,
      where: `service ${callee}`,
      services: [callee, caller],
      mend: `Let ${callee} (or the collector that it sends to) do as its caller has decided, and its ratio hold only where a trace begins there.`,
      lines: linesFor(language, share),
      ...evidence.report(),
    },
  ]
}

/** How many ways there are to choose `part` of `all`, as bits. */
function bitsOfChoice(all: number, part: number): number {
  let bits = 0
  for (let index = 1; index <= Math.min(part, all - part); index++) bits += Math.log2((all - index + 1) / index)
  return bits
}

function rangeOf(values: readonly bigint[]): { readonly least: bigint; readonly most: bigint } {
  let [least, most] = [values[0]!, values[0]!]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return { least, most }
}

/** Where the sampler is in code, a variable does not reach it. */
function linesFor(language: string, share: number): Finding['lines'] {
  const inCode: Readonly<Record<string, string>> = {
    go: `sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(${share})))`,
    nodejs: `sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(${share}) })`,
    python: `TracerProvider(sampler=ParentBased(TraceIdRatioBased(${share})))`,
    java: `.setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(${share})))`,
    dotnet: `.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(${share})))`,
  }
  const code = inCode[language]
  return [
    { kind: 'env', text: 'OTEL_TRACES_SAMPLER=parentbased_traceidratio' },
    { kind: 'env', text: `OTEL_TRACES_SAMPLER_ARG=${share}` },
    ...(code === undefined ? [] : [{ kind: 'code' as const, text: code }]),
  ]
}
