import { describe, expect, it } from 'vitest'
import { buildTrace } from '../build.ts'
import { EPOCH, requestOf, texts, type SpanSpec } from '../testkit.ts'
import { createFindings } from './findings.ts'
import { chanceOf, CLIENT, healthy, SERVER } from './testkit.ts'

const EPOCH_MS = Number(EPOCH / 1_000_000n)
const MS = 1_000_000
const MINUTE_MS = 60_000

/** So many traces of a system that is well, one every so many milliseconds. */
function tracesOf(count: number, seed: number, apartMs = 40): SpanSpec[][] {
  const chance = chanceOf(seed)
  const traces: SpanSpec[][] = []
  for (let atMs = 0; traces.length < count; atMs += apartMs) traces.push(...healthy(chance, atMs))
  return traces
}

function found(traces: readonly (readonly SpanSpec[])[], nowMs?: number) {
  const findings = createFindings()
  const chance = chanceOf(traces.length)
  const word = (): string =>
    Math.floor(chance() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  for (const trace of traces) {
    // Samplers decide by it.
    const traceId = word() + word() + word() + word()
    if (trace.length > 0) findings.add(buildTrace(requestOf(trace.map((span) => ({ ...span, traceId }))), traceId))
  }
  return findings.found(nowMs)
}

describe('a system that is well', () => {
  // Many requests are under way at a time, so that each could be what another one called.
  const traces = tracesOf(10_000, 7, 4)

  it('has nothing to mend, in 10,000 traces of six SDKs on busy machines', { timeout: 120_000 }, () => {
    expect(found(traces, EPOCH_MS + 60 * MINUTE_MS)).toEqual([])
  })

  it('nor in any look at 200 of them, half of whose spans are on their way', { timeout: 120_000 }, () => {
    for (let from = 0; from < traces.length; from += 200) {
      const look = traces.slice(from, from + 200)
      const lastMs = Math.max(...look.flat().map(({ end = 0 }) => end)) / MS
      // Of the last five seconds those that are called have not sent what they did for others, but for one instance, whose callers are not traced.
      const known = look.map((trace) =>
        trace.filter(
          ({ end = 0, parent, service }) =>
            end / MS < lastMs - 5_000 || parent === undefined || !['catalog', 'stock', 'mail'].includes(service!),
        ),
      )
      expect(found(known, EPOCH_MS + lastMs)).toEqual([])
    }
  })
})

const shifted = (span: SpanSpec, ms: number): SpanSpec => ({
  ...span,
  start: (span.start ?? 0) + ms * MS,
  end: (span.end ?? 0) + ms * MS,
})
const each = (change: (span: SpanSpec) => SpanSpec) => (traces: SpanSpec[][]) =>
  traces.map((trace) => trace.map(change))
const renamed = (span: SpanSpec, of: Readonly<Record<string, string>>): SpanSpec => ({
  ...span,
  attributes: (span.attributes ?? []).map(({ key, value }) => ({ key: of[key] ?? key, value })),
})

/** Ways to break it, what is told of each, and the first line that mends it. */
const BROKEN: Readonly<
  Record<string, { readonly break: (traces: SpanSpec[][]) => SpanSpec[][]; readonly line: string }>
> = {
  clock_skew: {
    break: each((span) => (span.service === 'catalog' ? shifted(span, 5 * MINUTE_MS) : span)),
    line: 'timedatectl set-ntp true',
  },
  clock_stepped: {
    break: each((span) => (span.name === 'write the log' ? shifted(span, -3_000) : span)),
    line: 'chronyc tracking',
  },
  context_lost: {
    break: (traces) =>
      traces.flatMap((trace) => {
        const callees = trace.filter(({ service }) => service === 'stock')
        const alone = callees.map((callee): SpanSpec[] => {
          const { parent: _, ...span } = callee
          return [span]
        })
        return [trace.filter(({ service }) => service !== 'stock'), ...alone]
      }),
    line: 'OTEL_PROPAGATORS=tracecontext,baggage,b3',
  },
  relay_without_context: {
    break: (traces) =>
      traces.flatMap((trace) => {
        const calls = new Map(trace.map((span) => [span.id, span]))
        const isCallee = ({ service, kind }: SpanSpec): boolean => service === 'stock' && kind === SERVER
        const called = new Set(trace.filter(isCallee).map(({ parent }) => parent))
        const alone = trace.filter(isCallee).map((callee): SpanSpec[] => {
          const { parent, ...span } = callee
          return calls.get(parent!)?.status?.code === 2 ? [] : [span]
        })
        const relayed = texts({ 'http.request.method': 'GET', 'url.full': 'http://gateway:80/stock/items' })
        return [
          trace
            .filter(({ service }) => service !== 'stock')
            .map((span) => (called.has(span.id) ? { ...span, attributes: relayed } : span)),
          ...alone,
        ]
      }),
    line: 'proxy_set_header traceparent $http_traceparent; # nginx',
  },
  parents_missing: {
    break: (traces) =>
      traces.map((trace) => trace.filter(({ service, kind }) => service !== 'shop' || kind !== CLIENT)),
    line: 'OTEL_TRACES_SAMPLER=parentbased_always_on',
  },
  names_with_ids: {
    break: (traces) =>
      traces.map((trace, index) =>
        trace.map((span) => (span.name === 'GET /cart' ? { ...span, name: `GET /carts/${4000 + index}` } : span)),
      ),
    line: 'span.updateName("GET /carts/{id}")',
  },
  health_checks: {
    break: (traces) => [...traces.slice(0, 100), ...Array.from({ length: 900 }, () => traces.find(isHealth)!)],
    line: "SPOOR_EXCLUDE='GET /healthz'",
  },
  n_plus_one: {
    break: (traces) =>
      traces.map((trace) => {
        const [query] = trace.filter(({ name }) => name === 'SELECT items')
        if (!query) return trace
        const more = Array.from({ length: 15 }, (_, index) => ({
          ...shifted(query, 1.1 * (index + 5)),
          id: 100 + index,
        }))
        return [...trace, ...more]
      }),
    line: '',
  },
  retry_storm: {
    break: (traces) =>
      traces.map((trace) => {
        const failed = trace.find(({ kind, status }) => kind === CLIENT && status?.code === 2)
        if (!failed) return trace
        const more = Array.from({ length: 5 }, (_, index) => ({ ...shifted(failed, 7 * (index + 1)), id: 100 + index }))
        return [
          ...trace
            .filter(({ service, id, status }) => service !== 'stock' && (status?.code !== 2 || id === failed.id))
            .filter(({ kind, id }) => kind !== CLIENT || id === failed.id),
          ...more,
        ]
      }),
    line: '',
  },
  unknown_service: {
    break: each((span) => (span.service === 'bank' ? { ...span, service: 'unknown_service:go' } : span)),
    line: 'OTEL_SERVICE_NAME=shop',
  },
  shared_name: {
    break: each((span) => (span.service === 'bank' ? { ...span, service: 'catalog' } : span)),
    line: 'OTEL_SERVICE_NAME=catalog-go',
  },
  mixed_conventions: {
    break: each((span) =>
      span.service === 'catalog'
        ? renamed(span, { 'http.request.method': 'http.method', 'url.path': 'http.target' })
        : span,
    ),
    line: 'OTEL_SEMCONV_STABILITY_OPT_IN=http/dup',
  },
}
const isHealth = (trace: readonly SpanSpec[]): boolean => trace[0]?.name === 'GET /healthz'

describe('the same system with one thing wrong', () => {
  it.each(Object.keys(BROKEN))(
    '%s is told, and nothing else, with the line that mends it',
    { timeout: 120_000 },
    (code) => {
      const { break: breakIt, line } = BROKEN[code]!
      const told = found(breakIt(tracesOf(1_000, 3)), EPOCH_MS + 60 * MINUTE_MS)
      expect([...new Set(told.map((finding) => finding.code))]).toEqual([code])
      for (const { mend, spans } of told) {
        expect(mend).not.toBe('')
        expect(spans.length).toBeGreaterThan(0)
      }
      if (line !== '') expect(told.flatMap(({ lines }) => lines.map(({ text }) => text))).toContain(line)
    },
  )
})
