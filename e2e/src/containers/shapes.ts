/** Whether the same application leaves the same trace, whoever takes its spans. */
import { PAGE } from './trial.ts'
import type { JaegerTrace } from './trial.ts'

/** Each span of a trace as one line: whose, what, below which, with which attributes; sorted. */
export type Shape = readonly string[]

/** So many whole traces of a run are looked at; one may have been the first of a service, with more spans than others. */
const WHOLE = 5

/** The shape that most whole traces have, and one that has it. */
export interface UsualShape {
  readonly traceId: string
  readonly shape: Shape
}

/** Of the latest traces at the page; undefined until enough are whole. @param services Those that each goes through. */
export async function usualShape(services: readonly string[]): Promise<UsualShape | undefined> {
  const response = await fetch(`${PAGE}/api/traces?service=client&limit=100&lookback=1h`)
  const { data } = (await response.json()) as { data: JaegerTrace[] }
  return usualOf(data, services)
}

export function usualOf(traces: readonly JaegerTrace[], services: readonly string[]): UsualShape | undefined {
  const whole = traces.filter((trace) => isWhole(trace, services))
  if (whole.length < WHOLE) return undefined
  const shapes = whole.map((trace) => ({ traceId: trace.traceID, shape: shapeOf(trace) }))
  const alike = [...Map.groupBy(shapes, ({ shape }) => shape.join('\n')).values()].sort((a, b) => b.length - a.length)
  return alike[0]?.[0]
}

/** All services, one root, no parent that is missing. */
function isWhole(trace: JaegerTrace, services: readonly string[]): boolean {
  const names = new Set(Object.values(trace.processes).map(({ serviceName }) => serviceName))
  const ids = new Set(trace.spans.map(({ spanID }) => spanID))
  const parents = trace.spans.map(parentOf)
  return (
    services.every((service) => names.has(service)) &&
    parents.filter((parent) => parent === undefined).length === 1 &&
    parents.every((parent) => parent === undefined || ids.has(parent))
  )
}

function parentOf({ references }: JaegerTrace['spans'][number]): string | undefined {
  return references.find(({ refType }) => refType === 'CHILD_OF')?.spanID
}

function shapeOf({ spans, processes }: JaegerTrace): Shape {
  const names = new Map(
    spans.map((span) => [span.spanID, `${processes[span.processID]?.serviceName}: ${span.operationName}`]),
  )
  return spans
    .map((span) => {
      const keys = span.tags.map(({ key }) => key).sort()
      const links = span.references.filter(({ refType }) => refType !== 'CHILD_OF').length
      return `${names.get(span.spanID)} < ${names.get(parentOf(span) ?? '') ?? ''} ${links} links, ${span.logs.length} events, ${keys.join(' ')}`
    })
    .sort()
}

/** What two runs differ in, as lines; none where they are the same. */
export function differences(one: Shape, other: Shape): string[] {
  const left = [...other]
  const only = one.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [...only.map((line) => `- ${line}`), ...left.map((line) => `+ ${line}`)]
}
