import { decodeText, readAttribute, valueOf, type Value } from '../block/attribute.ts'

/*
 * Reads single fields of messages that the scanner has walked before they were stored. What the scanner leaves alone (the inside of
 * attributes, events and links) may be malformed: such an attribute is just not found, and no read goes beyond the message.
 */

/**
 * Where a message has attributes, by the tags of its fields: `direct` are its own, `inner` those of each message in the field
 * `nested`, and `otherInner` those in `other`. 0: none.
 */
export interface AttributePlace {
  readonly direct: number
  readonly nested: number
  readonly inner: number
  readonly other: number
  readonly otherInner: number
}

/** Tags of opentelemetry-proto: Span.attributes = 9, .events = 11, .links = 13; Event.attributes = 3, Link.attributes = 4. */
export const SPAN_PLACES = {
  any: { direct: 0x4a, nested: 0x5a, inner: 0x1a, other: 0x6a, otherInner: 0x22 },
  span: { direct: 0x4a, nested: 0, inner: 0, other: 0, otherInner: 0 },
  event: { direct: 0, nested: 0x5a, inner: 0x1a, other: 0, otherInner: 0 },
  link: { direct: 0, nested: 0x6a, inner: 0x22, other: 0, otherInner: 0 },
} as const satisfies Record<string, AttributePlace>
/** ResourceSpans.resource = 1, Resource.attributes = 1; ScopeSpans.scope = 1, InstrumentationScope.attributes = 3. */
export const RESOURCE_PLACE: AttributePlace = { direct: 0, nested: 0x0a, inner: 0x0a, other: 0, otherInner: 0 }
export const SCOPE_PLACE: AttributePlace = { direct: 0, nested: 0x0a, inner: 0x1a, other: 0, otherInner: 0 }

function within(inner: number): AttributePlace {
  return { direct: inner, nested: 0, inner: 0, other: 0, otherInner: 0 }
}

const LENGTH = 2

/** Adds the values of the attributes with this key to `values`. */
export function collectValues(
  bytes: Uint8Array,
  start: number,
  end: number,
  place: AttributePlace,
  key: Uint8Array,
  values: Value[],
): void {
  visitKey(bytes, start, end, place, key, (from, to) => {
    const attribute = readAttribute(bytes, from, to)
    if (attribute) values.push(valueOf(attribute.value))
  })
}

/** Calls `visit` with the byte range of each attribute with this key, a serialized `KeyValue`. */
export function visitKey(
  bytes: Uint8Array,
  start: number,
  end: number,
  { direct, nested, inner, other, otherInner }: AttributePlace,
  key: Uint8Array,
  visit: (start: number, end: number) => void,
): void {
  let p = start
  while (p < end) {
    const tag = bytes[p]!
    if (tag >= 128 || (tag & 7) !== LENGTH) {
      p = skipField(bytes, p, end)
      continue
    }
    p++
    let length = bytes[p++]!
    if (length >= 128) {
      length = longLength(bytes, p - 1)
      while (bytes[p++]! >= 128);
    }
    const stop = p + length
    if (stop > end) return
    if (tag === direct) {
      if (hasKey(bytes, p, stop, key)) visit(p, stop)
    } else if (tag === nested) visitKey(bytes, p, stop, within(inner), key, visit)
    else if (tag === other) visitKey(bytes, p, stop, within(otherInner), key, visit)
    p = stop
  }
}

/** Calls `visit` with the byte range of each attribute, a serialized `KeyValue`. */
export function visitAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  { direct, nested, inner, other, otherInner }: AttributePlace,
  visit: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  for (let p = start; p < end;) {
    const next = skipField(bytes, p, end)
    const tag = bytes[p]!
    if (tag === direct && tag !== 0) visit(bytes, payloadStart(bytes, p), next)
    else if (tag === nested && tag !== 0) visitAttributes(bytes, payloadStart(bytes, p), next, within(inner), visit)
    else if (tag === other && tag !== 0) visitAttributes(bytes, payloadStart(bytes, p), next, within(otherInner), visit)
    p = next
  }
}

/** Calls `visit` with the byte range of each message in a field, by its tag. */
export function visitMessages(
  bytes: Uint8Array,
  start: number,
  end: number,
  tag: number,
  visit: (start: number, end: number) => void,
): void {
  for (let p = start; p < end;) {
    const next = skipField(bytes, p, end)
    if (bytes[p] === tag) visit(payloadStart(bytes, p), next)
    p = next
  }
}

/** The text in the field that `path`, field numbers, leads to; '' when there is none. Of several the last counts, as in protobuf. */
export function textAt(bytes: Uint8Array, start: number, end: number, path: readonly number[]): string {
  let text = ''
  const tag = (path[0]! << 3) | LENGTH
  for (let p = start; p < end;) {
    const next = skipField(bytes, p, end)
    if (bytes[p] === tag) {
      const from = payloadStart(bytes, p)
      text = path.length === 1 ? decodeText(bytes, from, next) : textAt(bytes, from, next, path.slice(1)) || text
    }
    p = next
  }
  return text
}

/** Whether a serialized `KeyValue` has this key. */
function hasKey(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  if (start === end || bytes[start] !== 0x0a || key.length > 127) return hasOddKey(bytes, start, end, key)
  if (bytes[start + 1] !== key.length) return false
  for (let i = 0, at = start + 2; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
  return start + 2 + key.length <= end
}

/** The key after the value, a long one, or none, which is the empty key. */
function hasOddKey(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  for (let p = start; p < end;) {
    const next = skipField(bytes, p, end)
    if (bytes[p] === 0x0a) {
      const from = payloadStart(bytes, p)
      return next - from === key.length && key.every((byte, i) => bytes[from + i] === byte)
    }
    p = next
  }
  return key.length === 0
}

/** The byte after the field at `p`, at most `end`. */
function skipField(bytes: Uint8Array, p: number, end: number): number {
  const wire = bytes[p]! & 7
  let at = p
  while (at < end && bytes[at++]! >= 128);
  switch (wire) {
    case 0:
      while (at < end && bytes[at++]! >= 128);
      return at
    case 1:
      return Math.min(at + 8, end)
    case LENGTH: {
      const length = longLength(bytes, at)
      while (at < end && bytes[at++]! >= 128);
      return Math.min(at + length, end)
    }
    case 5:
      return Math.min(at + 4, end)
    default:
      return end
  }
}

/** The first byte of the payload of the field at `p`, whose tag has one byte. */
function payloadStart(bytes: Uint8Array, p: number): number {
  let at = p + 1
  while (bytes[at++]! >= 128);
  return at
}

/** The varint at `p`, as far as it is a length: beyond 2^53 it is wrong, and larger than any message. */
function longLength(bytes: Uint8Array, p: number): number {
  let value = 0
  let scale = 1
  for (let at = p; at < bytes.length; at++) {
    value += (bytes[at]! & 127) * scale
    if (bytes[at]! < 128) return value
    scale *= 128
  }
  return Infinity
}
