/** Spans as somebody looks at them who tries a configuration: few, and each with what is around it. */
import { decodeTraces, type KeyValue, type Span } from '@spoor/otlp'

export interface SeenSpan {
  readonly span: Span
  readonly resource: readonly KeyValue[]
  readonly scope: string
}

/** By trace and span id. */
export function spansIn(requests: readonly Uint8Array[]): Map<string, SeenSpan> {
  const seen = new Map<string, SeenSpan>()
  for (const bytes of requests)
    for (const { resource, scopeSpans } of decodeTraces(bytes).resourceSpans)
      for (const { scope, spans } of scopeSpans)
        for (const span of spans)
          seen.set(`${span.traceId} ${span.spanId}`, { span, resource: resource.attributes, scope: scope.name })
  return seen
}

export interface SeenTrace {
  readonly traceId: string
  /** `checkout POST /pay`, of the span without a parent, or the first. */
  readonly root: string
  readonly spans: number
  readonly durationNs: number
  readonly hasError: boolean
}

/** In the order in which they came. */
export function tracesOf(seen: ReadonlyMap<string, SeenSpan>): SeenTrace[] {
  const byTrace = new Map<string, SeenSpan[]>()
  for (const each of seen.values()) {
    const spans = byTrace.get(each.span.traceId)
    if (spans) spans.push(each)
    else byTrace.set(each.span.traceId, [each])
  }
  return Array.from(byTrace, ([traceId, spans]) => {
    const ids = new Set(spans.map(({ span }) => span.spanId))
    const root = spans.find(({ span }) => !ids.has(span.parentSpanId)) ?? spans[0]!
    const start = spans.reduce(
      (least, { span }) => (span.startTimeUnixNano < least ? span.startTimeUnixNano : least),
      root.span.startTimeUnixNano,
    )
    const end = spans.reduce(
      (most, { span }) => (span.endTimeUnixNano > most ? span.endTimeUnixNano : most),
      root.span.endTimeUnixNano,
    )
    return {
      traceId,
      root: `${serviceOf(root)} ${root.span.name}`,
      spans: spans.length,
      durationNs: Number(end - start),
      hasError: spans.some(({ span }) => span.status.code === 2),
    }
  })
}

function serviceOf({ resource }: SeenSpan): string {
  const value = resource.find(({ key }) => key === 'service.name')?.value
  return value?.type === 'string' && value.value !== '' ? value.value : 'unknown_service'
}

/** What is other in a span behind a component than in front of it: `+tenant`, `-url.full`, `~user.id`, `name`; of its resource, `resource +zone`. */
export function changesOf(before: SeenSpan, after: SeenSpan): string[] {
  const fields = (
    ['name', 'kind', 'traceState', 'parentSpanId', 'startTimeUnixNano', 'endTimeUnixNano'] as const
  ).filter((key) => before.span[key] !== after.span[key])
  const lists = (['events', 'links', 'status'] as const).filter((key) => !isSame(before.span[key], after.span[key]))
  return [
    ...fields,
    ...lists,
    ...attributeChanges(before.span.attributes, after.span.attributes),
    ...resourceChanges(before.resource, after.resource),
    ...(before.scope === after.scope ? [] : ['scope']),
  ]
}

function attributeChanges(before: readonly KeyValue[], after: readonly KeyValue[]): string[] {
  const was = new Map(before.map(({ key, value }) => [key, value]))
  const is = new Map(after.map(({ key, value }) => [key, value]))
  return [
    ...[...is.keys()].filter((key) => !was.has(key)).map((key) => `+${key}`),
    ...[...is].filter(([key, value]) => was.has(key) && !isSame(was.get(key), value)).map(([key]) => `~${key}`),
    ...[...was.keys()].filter((key) => !is.has(key)).map((key) => `-${key}`),
  ]
}

/** Of the resource behind, which many spans share, what it was compared with last. */
const compared = new WeakMap<readonly KeyValue[], { before: readonly KeyValue[]; changes: readonly string[] }>()

function resourceChanges(before: readonly KeyValue[], after: readonly KeyValue[]): readonly string[] {
  const known = compared.get(after)
  if (known?.before === before) return known.changes
  const changes = attributeChanges(before, after).map((change) => `resource ${change}`)
  compared.set(after, { before, changes })
  return changes
}

/** Of values as they are decoded: plain objects, lists, bytes and what is neither. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false
  const [own, other] = [Object.entries(a), Object.entries(b)]
  return own.length === other.length && own.every(([key, value]) => isSame(value, (b as Record<string, unknown>)[key]))
}
