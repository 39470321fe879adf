/**
 * Takes the spans out of a request that have no valid id of their own, or an id of a wrong length for their parent or a link, as slices: everything else stays byte for byte,
 * but the lengths of what was around them. Resources and scopes of which no span is left vanish. Unlike `spliceSpans`
 * it reads requests that the scanner refuses, as ids of a wrong length are just what it is for.
 */
import { decodeResourceHeader } from './decode.ts'
import { utf8 } from './text.ts'
import { lengthEnd, next, readTag, skipField } from './wire.ts'
import { closeMessage, createWriter, finish, mark, writeRange, type Writer } from './writer.ts'

export interface Rejection {
  /** The request without the invalid spans; the bytes that came where there were none. */
  readonly bytes: Uint8Array
  /** How many spans were taken out. */
  readonly rejected: number
  /** The first of them and what is wrong with it: `resourceSpans[0].scopeSpans[0].spans[2] ("GET /" of service "shop"): trace_id is absent`. `''` when there were none. */
  readonly first: string
}

/** Bytes from `start` to `end` as they are, or a message that is put together anew. */
type Part = { readonly start: number; end: number } | { readonly tag: number; readonly parts: readonly Part[] }

/** The request, a `ResourceSpans`, a `ScopeSpans`: the tag of the messages in each that lead to the spans. */
const CHILD_TAGS = [0x0a, 0x12, 0x12] as const
const CHILD_NAMES = ['resourceSpans', 'scopeSpans', 'spans'] as const
const SPANS_LEVEL = 2

/** `bytes`: a request that `inspectItems` has accepted. */
export function rejectInvalidSpans(bytes: Uint8Array): Rejection {
  const filter = new Filter(bytes)
  const parts = filter.filter(0, bytes.length, 0)
  if (!parts) return { bytes, rejected: 0, first: '' }
  const writer = createWriter(bytes.length)
  write(writer, bytes, parts)
  return { bytes: finish(writer), rejected: filter.rejected, first: filter.first }
}

function write(writer: Writer, bytes: Uint8Array, parts: readonly Part[]): void {
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i]!
    if ('start' in part) writeRange(writer, bytes, part.start, part.end)
    else {
      const from = mark(writer)
      write(writer, bytes, part.parts)
      closeMessage(writer, part.tag, from)
    }
  }
}

class Filter {
  rejected = 0
  first = ''
  readonly #bytes: Uint8Array
  /** Which child is looked at, of each level. */
  readonly #path = [0, 0, 0]
  /** Where the `ResourceSpans` is that is looked at. */
  #resource: readonly [start: number, end: number] = [0, 0]

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** What stays of a message; undefined where it stays as it is, empty where nothing is left that holds a span. */
  filter(start: number, end: number, level: number): Part[] | undefined {
    const bytes = this.#bytes
    const parts: Part[] = []
    let changed = false
    let children = 0
    this.#path[level] = -1
    if (level === 1) this.#resource = [start, end]
    let p = start
    while (p < end) {
      const from = p
      const tag = readTag(bytes, p, end)
      if (tag !== CHILD_TAGS[level]) {
        p = skipField(bytes, next, end, tag, 0)
        keep(parts, from, p)
        continue
      }
      p = lengthEnd(bytes, next, end)
      this.#path[level]++
      const inner = level === SPANS_LEVEL ? this.#spanParts(next, p) : this.filter(next, p, level + 1)
      if (inner) changed = true
      if (inner?.length === 0) continue
      children++
      if (inner) parts.push({ tag, parts: inner })
      else keep(parts, from, p)
    }
    if (!changed) return undefined
    return children === 0 && level > 0 ? [] : parts
  }

  #spanParts(start: number, end: number): [] | undefined {
    const problem = problemOf(this.#bytes, start, end)
    if (problem === undefined) return undefined
    this.rejected++
    this.first ||= `${this.#path.map((index, level) => `${CHILD_NAMES[level]}[${index}]`).join('.')} (${this.#describe(start, end)}): ${problem}`
    return []
  }

  #describe(start: number, end: number): string {
    const name = quote(textOf(this.#bytes, start, end, 0x2a))
    const service = decodeResourceHeader(this.#bytes, ...this.#resource).resource.attributes.find(
      ({ key }) => key === 'service.name',
    )
    return service?.value.type === 'string' ? `${name} of service ${quote(service.value.value)}` : name
  }
}

function keep(parts: Part[], start: number, end: number): void {
  const last = parts.at(-1)
  if (last && 'start' in last && last.end === start) last.end = end
  else parts.push({ start, end })
}

/** What is wrong with the ids of a `Span`; undefined where nothing is. Of an own id that comes twice, the last counts. */
function problemOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  let trace: string | undefined = 'trace_id is absent'
  let span: string | undefined = 'span_id is absent'
  let reference: string | undefined
  let links = 0
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    const from = next
    const isKnown = tag === TRACE_ID || tag === SPAN_ID || tag === PARENT_SPAN_ID || tag === LINK
    p = isKnown ? lengthEnd(bytes, from, end) : skipField(bytes, from, end, tag, 0)
    if (tag === TRACE_ID) trace = problemOfId('trace_id', 16, bytes, next, p)
    else if (tag === SPAN_ID) span = problemOfId('span_id', 8, bytes, next, p)
    else if (tag === PARENT_SPAN_ID) reference ??= problemOfLength('parent_span_id', 8, p - next)
    else if (tag === LINK) reference ??= problemOfLink(`links[${links++}]`, bytes, next, p)
  }
  return trace ?? span ?? reference
}

/** Tags of a `Span`, the first two of a `Link` too. */
const TRACE_ID = 0x0a
const SPAN_ID = 0x12
const PARENT_SPAN_ID = 0x22
const LINK = 0x6a

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

function problemOfLink(name: string, bytes: Uint8Array, start: number, end: number): string | undefined {
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    const isId = tag === TRACE_ID || tag === SPAN_ID
    p = isId ? lengthEnd(bytes, next, end) : skipField(bytes, next, end, tag, 0)
    const problem =
      tag === TRACE_ID
        ? problemOfLength(`${name}.trace_id`, 16, p - next)
        : isId && problemOfLength(`${name}.span_id`, 8, p - next)
    if (problem) return problem
  }
  return undefined
}

/** The string field with that tag, the last where it comes twice. */
function textOf(bytes: Uint8Array, start: number, end: number, wanted: number): string {
  let text = ''
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    const from = next
    p = tag === wanted ? lengthEnd(bytes, from, end) : skipField(bytes, from, end, tag, 0)
    if (tag === wanted) text = utf8(bytes, next, p)
  }
  return text
}

/** A name for an error message: as JSON, and not longer than a line. */
function quote(text: string): string {
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}…` : JSON.stringify(text)
}
