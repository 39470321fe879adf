import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { hashBytes, hashWords, viewOf } from '../block/hash.ts'
import { inPieces } from '../sealed/pieces.ts'
import { fieldEnd } from '../sealed/wire.ts'

/** Field 2 of a `ResourceSpans` are its scopes, of a `ScopeSpans` its spans; length-delimited. */
const MEMBERS = 0x12
/** Used again and again: scanning gives way to nobody. */
const scanned = createSpanColumns()

/**
 * A number for the spans that are added, in whatever order and requests they come: each with all its bytes, and under its own resource and scope. It is
 * written into files.
 */
export class SpanDigest {
  spans = 0
  /** 32 bits. */
  value = 0
  /** Of the span before: where its scope begins, and the hash of all that it is under. */
  #scope = -1
  #group = 0

  /** The spans of a serialized `TracesData`, or request. Throws OtlpError on malformed bytes. */
  add(bytes: Uint8Array): void {
    scanned.count = 0
    scanSpans(bytes, scanned)
    this.addScanned(bytes, scanned)
  }

  /** The same of bytes that have been scanned. `rows`: which of their spans; default: all. */
  addScanned(bytes: Uint8Array, columns: SpanColumns, rows?: Uint32Array): void {
    const view = viewOf(bytes)
    this.#scope = -1
    inPieces(rows ? rows.length : columns.count, (from, to) => this.#add(bytes, view, columns, rows, from, to))
    this.value >>>= 0
  }

  #add(
    bytes: Uint8Array,
    view: DataView,
    columns: SpanColumns,
    rows: Uint32Array | undefined,
    from: number,
    to: number,
  ): void {
    const { spanStart, spanEnd, scopeStart } = columns
    let sum = this.value
    for (let i = from; i < to; i++) {
      const row = rows ? rows[i]! : i
      if (scopeStart[row] !== this.#scope) {
        this.#scope = scopeStart[row]!
        this.#group = groupHash(bytes, view, columns, row)
      }
      sum = (sum + hashWords(hashBytes(view, spanStart[row]!, spanEnd[row]!), this.#group, 0, 0)) | 0
    }
    this.value = sum
    this.spans += to - from
  }
}

/** Of all that a span is under but its siblings. */
function groupHash(bytes: Uint8Array, view: DataView, columns: SpanColumns, row: number): number {
  const resource = ownHash(bytes, view, columns.resourceStart[row]!, columns.resourceEnd[row]!)
  return hashWords(resource, ownHash(bytes, view, columns.scopeStart[row]!, columns.scopeEnd[row]!), 0, 0)
}

function ownHash(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let hash = 0
  for (let at = start; at < end;) {
    const next = fieldEnd(bytes, at, end)
    if (bytes[at] !== MEMBERS) hash = hashWords(hash, hashBytes(view, at, next), 0, 0)
    at = next
  }
  return hash
}
