import { bytesToHex, createSpanColumns, joinBytes, scanSpans, spanExtractor } from '@spoor/otlp'
import { readContent } from './content.ts'
import type { Intake } from './intake.ts'
import { type Place, placeText } from './place.ts'
import { type Refusal, Refusals, validPart } from './refusals.ts'

/** What is in a file. */
export interface FileContent {
  /** Of each trace, by its id (32 hex digits), its spans as a serialized `TracesData`; in the order in which they begin. */
  readonly traces: ReadonlyMap<string, Uint8Array>
  /** What is no trace, or cannot be read. */
  readonly refusals: readonly Refusal[]
}

/** The traces of a content, which is in memory and not compressed; see {@link readContent}. Never throws for what is in it. */
export function tracesOf(bytes: Uint8Array, onProgress?: (bytes: number) => void): FileContent {
  const sorter = new TraceSorter()
  readContent(bytes, sorter, onProgress)
  return { traces: sorter.traces(), refusals: sorter.refusals.all }
}

class TraceSorter implements Intake {
  readonly refusals = new Refusals()
  readonly #parts = new Map<string, Uint8Array[]>()
  readonly #columns = createSpanColumns()

  traces(): Map<string, Uint8Array> {
    return new Map([...this.#parts].map(([id, parts]) => [id, joinBytes(parts)]))
  }

  request(bytes: Uint8Array, place: Place): void {
    const valid = validPart(bytes, (reason, spans) => this.refuse(reason, place, spans))
    if (valid) this.#sort(valid.bytes)
  }

  refuse(reason: string, place: Place, spans?: number): void {
    this.refusals.add(reason, placeText(place), spans)
  }

  other(what: string, place: Place): void {
    this.refuse(`${what}; only traces are shown`, place)
  }

  #sort(bytes: Uint8Array): void {
    const columns = this.#columns
    columns.count = 0
    scanSpans(bytes, columns)
    const rowsOf = new Map<string, number[]>()
    for (let row = 0; row < columns.count; row++) {
      const id = bytesToHex(columns.traceId, row * 16, row * 16 + 16)
      const rows = rowsOf.get(id)
      if (rows) rows.push(row)
      else rowsOf.set(id, [row])
    }
    const extract = rowsOf.size > 1 ? spanExtractor(bytes, columns) : () => bytes
    for (const [id, rows] of rowsOf) {
      const part = extract(rows)
      const parts = this.#parts.get(id)
      if (parts) parts.push(part)
      else this.#parts.set(id, [part])
    }
  }
}
