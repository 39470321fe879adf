/** The stored traces of a lab, as Spoor gives them to whoever asks: nothing else decides about an answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SearchResponse } from 'spoor/api'
import type { LabRun } from './run.ts'

/** A span with what labs look at. Times are ms since 1970. */
export interface LabSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentId: string
  readonly name: string
  readonly service: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  readonly start: number
  readonly end: number
  readonly failed: boolean
  /** Of its status; empty where there is none. */
  readonly message: string
  readonly attributes: ReadonlyMap<string, string>
}

/** The parts of OTLP/JSON that are read. */
interface JsonAttribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface JsonTraces {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly JsonAttribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly name: string
        readonly kind?: number
        readonly startTimeUnixNano: string
        readonly endTimeUnixNano: string
        readonly attributes?: readonly JsonAttribute[]
        readonly status?: { readonly code?: number; readonly message?: string }
      }[]
    }[]
  }[]
}

const KINDS = { 1: 'internal', 2: 'server', 3: 'client' } as const
const ERROR = 2
/** What becomes of a message in the end. */
const FINAL: ReadonlySet<string> = new Set(['stored', 'dead_letter'])
const PAGE = 500

/** Time between two looks, ms, and how many of them have to find the same until that is all. */
const LOOK_INTERVAL_MS = 1000
const SAME_LOOKS = 4
const MOST_LOOKS = 40

/** All spans of a run once no more come. */
export async function settledSpans(run: LabRun): Promise<LabSpan[]> {
  let spans = await spansOf(run)
  for (let same = 0, looks = 0; same < SAME_LOOKS && looks < MOST_LOOKS; looks++) {
    await sleep(LOOK_INTERVAL_MS)
    const next = await spansOf(run)
    same = next.length === spans.length && next.length > 0 && !areResultsWaiting(next) ? same + 1 : 0
    spans = next
  }
  return spans
}

/** A message that waits in a queue has no span yet, and one that is tried again has not had its last. */
export function areResultsWaiting(spans: readonly LabSpan[]): boolean {
  const sent = spans.filter(({ name, failed }) => name === 'send results' && !failed).length
  const settled = spans.filter(({ attributes }) => FINAL.has(attributes.get('message.outcome') ?? '')).length
  return settled < sent
}

/** All spans of all traces of a run, also of those that its first spans are not in. */
export async function spansOf({ page, id, requestIds }: LabRun): Promise<LabSpan[]> {
  const query = [`load.run.id:${id}`, ...(requestIds.length > 0 ? [`request.id:${requestIds.join(',')}`] : [])].join(
    ' OR ',
  )
  const parameters = new URLSearchParams({ q: query, limit: String(PAGE), matches: '0' })
  const { traces } = await get<SearchResponse>(`${page}/api/spoor/v1/search?${parameters.toString()}`)
  const all = await Promise.all(
    traces.map(({ traceId }) => get<JsonTraces>(`${page}/api/spoor/v1/traces/${traceId}?format=json`)),
  )
  return all.flatMap(readSpans)
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${(await response.text()).slice(0, 200)}`)
  return (await response.json()) as T
}

function readSpans({ resourceSpans }: JsonTraces): LabSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = attributesOf(resource?.attributes).get('service.name') ?? ''
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId ?? '',
        name: span.name,
        service,
        kind: KINDS[span.kind as keyof typeof KINDS] ?? 'other',
        start: milliseconds(span.startTimeUnixNano),
        end: milliseconds(span.endTimeUnixNano),
        failed: span.status?.code === ERROR,
        message: span.status?.message ?? '',
        attributes: attributesOf(span.attributes),
      })),
    )
  })
}

function attributesOf(list: readonly JsonAttribute[] = []): Map<string, string> {
  return new Map(list.map(({ key, value }) => [key, String(Object.values(value)[0])]))
}

/** Microseconds are enough, and fit. */
function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1000n) / 1000
}
