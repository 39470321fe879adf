/**
 * Takes the spans out of a request that have no valid id of their own, or an id of a wrong length for their parent or a
 * link. Unlike `spliceSpans` it reads requests that the scanner refuses, as ids of a wrong length are just what it is
 * for.
 */
import { editRequest } from './edit.ts'
import type { ResourceView } from './view/header.ts'
import type { LinkView, SpanView } from './view/span.ts'

export interface Rejection {
  /** The request without the invalid spans; the bytes that came where there were none. */
  readonly bytes: Uint8Array
  /** How many spans were taken out. */
  readonly rejected: number
  /** The first of them and what is wrong with it: `resourceSpans[0].scopeSpans[0].spans[2] ("GET /" of service "shop"): trace_id is absent`. `''` when there were none. */
  readonly first: string
}

/** `bytes`: a request that `inspectItems` has accepted. */
export function rejectInvalidSpans(bytes: Uint8Array): Rejection {
  let [resource, scope, span] = [-1, -1, -1]
  let rejected = 0
  let first = ''
  const rest = editRequest('traces', bytes, {
    resource() {
      resource++
      scope = -1
    },
    scope() {
      scope++
      span = -1
    },
    item(view, _, resourceView) {
      span++
      const problem = problemOf(view)
      if (problem === undefined) return
      view.drop()
      rejected++
      const path = `resourceSpans[${resource}].scopeSpans[${scope}].spans[${span}]`
      first ||= `${path} (${describe(view, resourceView)}): ${problem}`
    },
  })
  return { bytes: rest, rejected, first }
}

function describe(span: SpanView, resource: ResourceView): string {
  const service = resource.attributes.text('service.name')
  return service === undefined ? quote(span.name) : `${quote(span.name)} of service ${quote(service)}`
}

/** Tags of a `Span`, the first two of a `Link` too. */
const TRACE_ID = 0x0a
const SPAN_ID = 0x12
const PARENT_SPAN_ID = 0x22

/** What is wrong with the ids of a span; undefined where nothing is. Of an own id that comes twice, the last counts. */
function problemOf(span: SpanView): string | undefined {
  let traceProblem: string | undefined = 'trace_id is absent'
  let spanProblem: string | undefined = 'span_id is absent'
  let reference: string | undefined
  span.readFields()
  const { bytes } = span
  const { tag, start, end, count } = span.fields
  for (let i = 0; i < count; i++) {
    const [from, to] = [start[i]!, end[i]!]
    if (tag[i] === TRACE_ID) traceProblem = problemOfId('trace_id', 16, bytes, from, to)
    else if (tag[i] === SPAN_ID) spanProblem = problemOfId('span_id', 8, bytes, from, to)
    else if (tag[i] === PARENT_SPAN_ID) reference ??= problemOfLength('parent_span_id', 8, to - from)
  }
  let links = 0
  if (reference === undefined) span.forEachLink((link) => (reference ??= problemOfLink(`links[${links++}]`, link)))
  return traceProblem ?? spanProblem ?? reference
}

function problemOfId(name: string, width: number, bytes: Uint8Array, start: number, end: number): string | undefined {
  if (start === end) return `${name} is empty`
  const problem = problemOfLength(name, width, end - start)
  if (problem) return problem
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return undefined
  return `${name} is all zero`
}

function problemOfLength(name: string, width: number, length: number): string | undefined {
  return length === 0 || length === width ? undefined : `${name} has ${length} bytes, must be ${width}`
}

function problemOfLink(name: string, link: LinkView): string | undefined {
  link.readFields()
  const { tag, start, end, count } = link.fields
  for (let i = 0; i < count; i++) {
    const length = end[i]! - start[i]!
    const problem =
      tag[i] === TRACE_ID
        ? problemOfLength(`${name}.trace_id`, 16, length)
        : tag[i] === SPAN_ID && problemOfLength(`${name}.span_id`, 8, length)
    if (problem) return problem
  }
  return undefined
}

/** A name for an error message: as JSON, and not longer than a line. */
function quote(text: string): string {
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}…` : JSON.stringify(text)
}
