/**
 * Calls `visit` with the byte offsets of the trace id (16 bytes) and span id (8 bytes) of each link of a Span message.
 * Only links are read: decoding whole spans for them would cost ten times as much. The message was validated by the
 * scanner before; anything unexpected ends the walk.
 *
 * | message | field | wire type |
 * |---|---|---|
 * | Span | 13 links | length-delimited |
 * | Span.Link | 1 trace_id, 2 span_id | length-delimited |
 *
 * Source: opentelemetry-proto `trace/v1/trace.proto`.
 */
export function visitLinks(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (traceIdAt: number, spanIdAt: number) => void,
): void {
  visitFields(bytes, start, end, (field, linkStart, linkEnd) => {
    if (field !== 13) return
    let traceIdAt = -1
    let spanIdAt = -1
    visitFields(bytes, linkStart, linkEnd, (inner, from, to) => {
      if (inner === 1 && to - from === 16) traceIdAt = from
      else if (inner === 2 && to - from === 8) spanIdAt = from
    })
    if (traceIdAt !== -1 && spanIdAt !== -1) visit(traceIdAt, spanIdAt)
  })
}

/** Walks the length-delimited fields of a message and steps over all others. */
function visitFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (field: number, from: number, to: number) => void,
): void {
  let at = start
  function varint(): number {
    let value = 0
    let scale = 1
    while (at < end) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
    }
    return value
  }
  while (at < end) {
    const tag = varint()
    const wireType = tag % 8
    if (wireType === 0) varint()
    else if (wireType === 1) at += 8
    else if (wireType === 5) at += 4
    else if (wireType === 2) {
      const length = varint()
      if (at + length > end) return
      visit(Math.floor(tag / 8), at, at + length)
      at += length
    } else return
  }
}
