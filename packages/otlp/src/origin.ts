/**
 * Where a request comes from, as far as it says so itself: for looking at one request in many, of whatever signal. The three signals
 * have the same frame: a list of resources (field 1 of the request), each with a list of scopes (field 2), each with items (field 2).
 */
import type { Signal } from './batch.ts'
import { decodeResourceHeader } from './decode.ts'
import type { Resource } from './model.ts'
import { utf8 } from './text.ts'
import { lengthEnd, LENGTH, next, readFixed64, readTag, readUint32, skipField } from './wire.ts'

export interface Origin {
  /** Of the first resources. */
  readonly resources: readonly Resource[]
  /** Names of the scopes in these, each once; `''` for one without a name. */
  readonly scopes: ReadonlySet<string>
  /** The items that were looked at for the sums. */
  readonly items: number
  /** Sums of what these items, their resources left out, say that they have dropped. Metrics do not say it. */
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  /** The first and the last start of these items where they are spans, nanoseconds since 1970; 0n where there are none. */
  readonly firstStart: bigint
  readonly lastStart: bigint
}

/** What is looked at, at most. */
export interface OriginLimits {
  readonly resources: number
  readonly scopes: number
  readonly items: number
}

interface Draft {
  resources: Resource[]
  scopes: Set<string>
  items: number
  droppedAttributes: number
  droppedEvents: number
  droppedLinks: number
  firstStart: bigint
  lastStart: bigint
}

/** Of a message that is valid; throws {@link OtlpError} where one is not, as far as it is looked at. */
export function readOrigin(signal: Signal, bytes: Uint8Array, limits: OriginLimits): Origin {
  const origin: Draft = {
    resources: [],
    scopes: new Set(),
    items: 0,
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    firstStart: 0n,
    lastStart: 0n,
  }
  eachMessage(bytes, 0, bytes.length, (field, start, end) => {
    if (field !== 1) return true
    origin.resources.push(decodeResourceHeader(bytes, start, end).resource)
    eachMessage(bytes, start, end, (inner, from, to) => {
      if (inner === 2) readScope(signal, bytes, from, to, origin, limits.items)
      return origin.scopes.size < limits.scopes
    })
    return origin.resources.length < limits.resources
  })
  return origin
}

function readScope(signal: Signal, bytes: Uint8Array, start: number, end: number, origin: Draft, items: number): void {
  let name = ''
  eachMessage(bytes, start, end, (field, from, to) => {
    if (field === 1) {
      eachMessage(bytes, from, to, (inner, at, stop) => {
        if (inner === 1) name = utf8(bytes, at, stop)
        return true
      })
    } else if (field === 2 && signal !== 'metrics' && origin.items < items) {
      origin.items++
      addItem(signal, bytes, from, to, origin)
    }
    return true
  })
  origin.scopes.add(name)
}

/** Fields 7, 10, 12 and 14 of a span, 7 of a log record. */
function addItem(signal: 'traces' | 'logs', bytes: Uint8Array, p: number, end: number, origin: Draft): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === (signal === 'traces' ? 0x50 : 0x38)) {
      origin.droppedAttributes += readUint32(bytes, p, end)
      p = next
    } else if (signal === 'traces' && tag === 0x60) {
      origin.droppedEvents += readUint32(bytes, p, end)
      p = next
    } else if (signal === 'traces' && tag === 0x70) {
      origin.droppedLinks += readUint32(bytes, p, end)
      p = next
    } else if (signal === 'traces' && tag === 0x39) {
      addStart(origin, readFixed64(bytes, p, end))
      p = next
    } else p = skipField(bytes, p, end, tag, 0)
  }
}

function addStart(origin: Draft, start: bigint): void {
  if (origin.firstStart === 0n || start < origin.firstStart) origin.firstStart = start
  if (start > origin.lastStart) origin.lastStart = start
}

/** Each field of a message that has a length, until `visit` says no; the others are stepped over. */
function eachMessage(
  bytes: Uint8Array,
  p: number,
  end: number,
  visit: (field: number, start: number, end: number) => boolean,
): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if ((tag & 7) !== LENGTH) {
      p = skipField(bytes, p, end, tag, 0)
      continue
    }
    const stop = lengthEnd(bytes, p, end)
    if (!visit(tag >>> 3, next, stop)) return
    p = stop
  }
}
