import { RowWriter } from '../row-binary.ts'
import type { StoredSpan } from '../sql/spans.ts'

/** TracesData.resource_spans; ResourceSpans.scope_spans; ScopeSpans.spans. */
const RESOURCE_SPANS = 0x0a
const SCOPE_SPANS = 0x12
const SPANS = 0x12

/** Puts serialized `TracesData` together from spans: those that follow one another under the same resource and scope are under one. */
export class Assembly {
  readonly #out = new RowWriter()
  readonly #spans = new RowWriter(1 << 12)
  #resource: Uint8Array = new Uint8Array()
  #scope: Uint8Array = new Uint8Array()
  /** Since it was taken the last time. */
  count = 0

  get bytes(): number {
    return this.#out.at + this.#spans.at
  }

  add({ resource, scope, span }: StoredSpan): void {
    // Somebody else has written it since it was looked for such, and the next question shows it.
    if (span.length === 0) return
    const isSame =
      this.#spans.at > 0 && Buffer.compare(resource, this.#resource) === 0 && Buffer.compare(scope, this.#scope) === 0
    if (!isSame) {
      this.#close()
      // The views are not good for long.
      this.#resource = new Uint8Array(resource)
      this.#scope = new Uint8Array(scope)
    }
    this.#spans.uint8(SPANS)
    this.#spans.range(span, 0, span.length)
    this.count++
  }

  /** What was added, as one message. */
  take(): Uint8Array {
    this.#close()
    const bytes = this.#out.written.slice()
    this.#out.clear(1 << 20)
    this.count = 0
    return bytes
  }

  #close(): void {
    if (this.#spans.at === 0) return
    const out = this.#out
    const scopeLength = this.#scope.length + this.#spans.at
    out.uint8(RESOURCE_SPANS)
    out.varint(this.#resource.length + 1 + varintLength(scopeLength) + scopeLength)
    out.raw(this.#resource, 0, this.#resource.length)
    out.uint8(SCOPE_SPANS)
    out.varint(scopeLength)
    out.raw(this.#scope, 0, this.#scope.length)
    out.raw(this.#spans.bytes, 0, this.#spans.at)
    this.#spans.clear(1 << 20)
  }
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++
  return length
}
