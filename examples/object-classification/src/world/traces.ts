/** Looks up traces through Spoor's Jaeger query API and says whether all of a request is in them. */
import { setTimeout as sleep } from 'node:timers/promises'

/** The parts of Jaeger's answer to `GET /api/traces/:id` that are looked at. Times are microseconds. */
interface JaegerTrace {
  readonly spans: readonly {
    readonly spanID: string
    readonly operationName: string
    readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[]
    readonly startTime: number
    readonly duration: number
    readonly processID: string
  }[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** What was found out about a trace. */
export interface TraceCheck {
  readonly traceId: string
  readonly spans: number
  /** How long the ensemble worked on after it had answered, ms. */
  readonly tailMs: number
  /** What is not as it should be; empty when the trace is complete. */
  readonly findings: readonly string[]
}

/** Time between two looks at the same trace, ms. */
const LOOK_INTERVAL_MS = 200
/** The spans that tell how long the ensemble went on after its answer. */
const ANSWER = /^POST \/ensemble_service/
const WORK = 'classify in the background'

/**
 * Waits until the trace is complete: spans of all services, one root and that the client's, no parent missing, the
 * ensemble's work ending after its answer.
 *
 * @returns The last look, with its findings when the time is up.
 */
export async function checkTrace(
  page: string,
  traceId: string,
  { services, deadline, signal }: { services: readonly string[]; deadline: number; signal: AbortSignal },
): Promise<TraceCheck> {
  for (;;) {
    signal.throwIfAborted()
    const check = await look(page, traceId, services)
    if (check.findings.length === 0 || Date.now() > deadline) return check
    await sleep(LOOK_INTERVAL_MS)
  }
}

/** How many spans Spoor has. 0 when it does not say. */
export async function storedSpans(page: string): Promise<number> {
  const response = await fetch(`${page}/api/spoor/v1/status`).catch(() => undefined)
  if (!response?.ok) return 0
  const { store } = (await response.json()) as { store: { spans: number } }
  return store.spans
}

async function look(page: string, traceId: string, services: readonly string[]): Promise<TraceCheck> {
  const response = await fetch(`${page}/api/traces/${traceId}`).catch(() => undefined)
  if (!response) return { traceId, spans: 0, tailMs: 0, findings: ['Spoor does not answer'] }
  if (!response.ok) {
    await response.body?.cancel()
    return { traceId, spans: 0, tailMs: 0, findings: [`Spoor answers ${response.status}`] }
  }
  const { data } = (await response.json()) as { data: JaegerTrace[] }
  const [trace] = data
  return trace ? examine(traceId, trace, services) : { traceId, spans: 0, tailMs: 0, findings: ['it is not stored'] }
}

/** Pure part of {@link checkTrace}. */
export function examine(traceId: string, { spans, processes }: JaegerTrace, services: readonly string[]): TraceCheck {
  const findings: string[] = []
  const serviceOf = (processId: string): string => processes[processId]?.serviceName ?? 'unknown'
  const present = new Set(spans.map(({ processID }) => serviceOf(processID)))
  const missing = services.filter((service) => !present.has(service))
  if (missing.length > 0) findings.push(`no span of ${missing.join(', ')}`)
  const ids = new Set(spans.map(({ spanID }) => spanID))
  const parents = spans.map((span) => ({
    span,
    parent: span.references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === traceId)?.spanID,
  }))
  const roots = parents.filter(({ parent }) => parent === undefined)
  if (roots.length !== 1) findings.push(`${roots.length} roots`)
  const [root] = roots
  if (root && serviceOf(root.span.processID) !== 'client') findings.push(`its root is ${root.span.operationName}`)
  const orphans = parents.filter(({ parent }) => parent !== undefined && !ids.has(parent)).length
  if (orphans > 0) findings.push(`${orphans} spans without their parent`)
  const answered = endOf(spans.find(({ operationName }) => ANSWER.test(operationName)))
  const worked = endOf(spans.find(({ operationName }) => operationName === WORK))
  const tailMs = answered === undefined || worked === undefined ? 0 : (worked - answered) / 1000
  if (tailMs <= 0) findings.push("the ensemble's work did not end after its answer")
  return { traceId, spans: spans.length, tailMs, findings }
}

function endOf(span: JaegerTrace['spans'][number] | undefined): number | undefined {
  return span && span.startTime + span.duration
}
