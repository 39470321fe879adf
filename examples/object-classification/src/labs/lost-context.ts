import { is, most, near, oneOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 3: a service does not read the context of its callers: the traces end before it, and others begin in it. */
export const lostContext: Lab = {
  number: 3,
  title: 'Where is the rest of it?',
  photographs: 8,
  rate: 2,
  draw: ({ services }, pick) => ({
    fault: 'lost_context',
    at: oneOf(services, pick, 'there are no services'),
    parameters: {},
  }),
  ask: (spans) =>
    `The traces of the client are not whole: somewhere the context gets lost, and what follows stands in traces of its own. In which service do these begin, and which trace is it of the request with request.id ${chosen(spans)?.request ?? ''}? How many spans has it?`,
  answer: {
    service: 'the name of the service that begins traces of its own',
    trace: 'the id of the trace in which that request goes on; where several do, of the one that begins first',
    spans: 'the number of spans of that trace',
  },
  solve(spans) {
    const first = chosen(spans)?.span
    return {
      service: is(first?.service ?? ''),
      trace: is(first?.traceId ?? ''),
      spans: near(spans.filter(({ traceId }) => traceId === first?.traceId).length, 0),
    }
  },
}

/** Spans that begin a trace though somebody has called, with the request that they are of. */
export function begun(spans: readonly LabSpan[]): { readonly span: LabSpan; readonly request: string }[] {
  const requests = new Map(
    spans.flatMap(({ traceId, attributes }) => {
      const request = attributes.get('request.id')
      return request === undefined ? [] : [[traceId, request] as const]
    }),
  )
  return spans.flatMap((span) => {
    const request = requests.get(span.traceId)
    const isFirst = span.kind === 'server' && span.parentId === '' && !span.name.startsWith('GET /result')
    return isFirst && request !== undefined ? [{ span, request }] : []
  })
}

/** The one that is asked for: the first of the request that came last. The same whenever it is looked for. */
function chosen(spans: readonly LabSpan[]): { readonly span: LabSpan; readonly request: string } | undefined {
  const all = begun(spans)
  const last = most(all, ({ span }) => span.start)?.request
  return most(
    all.filter(({ request }) => request === last),
    ({ span }) => -span.start,
  )
}
