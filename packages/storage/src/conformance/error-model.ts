import { errorKindOf, type ErrorKind, type RecordedError } from '@spoor/trace'
import type { ErrorGroup, ErrorGroups, ErrorGroupsQuery } from '../contract.ts'
import { binsOf, boundsOf, countedOf, exactDuration, timeBin } from './aggregate-model.ts'
import { valuesOf } from './model.ts'
import type { SentSpan } from './spans.ts'

/** Groups of errors by the letter of the contract, on decoded spans; what is the same error, `@spoor/trace` defines. */
export function expectedErrorGroups(
  sent: readonly SentSpan[],
  query: ErrorGroupsQuery,
): Pick<ErrorGroups, 'spans' | 'moreGroups' | 'from' | 'to' | 'bucketsFrom' | 'bucketNs'> & {
  groups: Omit<ErrorGroup, 'id'>[]
} {
  const { order = 'count', limit = 50, exemplars = 3, buckets = 0 } = query
  const { from, to } = boundsOf(sent, query)
  const bins = binsOf(from, to, buckets, query.aligned)
  const told = countedOf(sent, query)
    .map((span) => ({ span, kinds: kindsOf(span) }))
    .filter(({ kinds }) => kinds.length > 0)
  const names = new Set(told.flatMap(({ kinds }) => kinds.map(textOf)))
  const groups = [...names].map((name) => {
    const spans = told.filter(({ kinds }) => kinds.some((kind) => textOf(kind) === name)).map(({ span }) => span)
    const kind = told.flatMap(({ kinds }) => kinds).find((each) => textOf(each) === name)!
    return { name, group: groupOf(kind, spans) }
  })
  function groupOf(kind: ErrorKind, spans: SentSpan[]): Omit<ErrorGroup, 'id'> {
    const byStart = spans.toSorted((a, b) => Number(startOf(a) - startOf(b)))
    const services = Map.groupBy(spans, (span) => String(valuesOf({ field: 'service' }, span)[0]))
    return {
      ...kind,
      count: spans.length,
      firstSeen: startOf(byStart[0]!),
      lastSeen: startOf(byStart.at(-1)!),
      services: [...services]
        .map(([name, own]) => ({ name, spans: own.length }))
        .sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1)),
      exemplars: spans
        .map((each) => ({
          traceId: each.span.traceId,
          spanId: each.span.spanId,
          durationNs: exactDuration(each),
          error: each.span.status.code === 2,
          start: startOf(each),
        }))
        .sort((a, b) => Number(b.start - a.start) || (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1))
        .slice(0, exemplars),
      ...(buckets > 0 && {
        buckets: Array.from(
          { length: bins.count },
          (_, bucket) => spans.filter((span) => timeBin(span, bins) === bucket).length,
        ),
      }),
    }
  }
  const place = ({ count, firstSeen, lastSeen }: Omit<ErrorGroup, 'id'>): bigint =>
    ({ count: BigInt(count), first_seen: firstSeen, last_seen: lastSeen })[order]
  groups.sort((a, b) => Number(place(b.group) - place(a.group)) || (a.name < b.name ? -1 : 1))
  return {
    from,
    to,
    bucketsFrom: bins.first,
    bucketNs: bins.widthNs,
    spans: told.length,
    groups: groups.slice(0, limit).map(({ group }) => group),
    moreGroups: Math.max(0, groups.length - limit),
  }
}

function startOf({ span }: SentSpan): bigint {
  return span.startTimeUnixNano
}

function textOf({ type, message, frame }: ErrorKind): string {
  return `${type}\u0000${message}\u0000${frame}`
}

function kindsOf(sent: SentSpan): ErrorKind[] {
  const { span } = sent
  const recorded = span.events.flatMap(({ attributes }): RecordedError[] => {
    const text = (name: string): string | undefined => {
      const own = { ...sent, span: { ...span, attributes } }
      const [value] = valuesOf({ attribute: `exception.${name}`, level: 'span' }, own)
      return value === undefined ? undefined : String(value)
    }
    const [type, message, stacktrace] = [text('type'), text('message'), text('stacktrace')]
    return type === undefined && message === undefined ? [] : [{ type, message, stacktrace }]
  })
  if (recorded.length > 0) return recorded.map(errorKindOf)
  if (span.status.code !== 2) return []
  const [type] = valuesOf({ attribute: 'error.type', level: 'span' }, sent)
  return [errorKindOf({ type: type === undefined ? undefined : String(type), message: span.status.message })]
}
