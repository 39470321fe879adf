import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { resourceJson, scopeJson, spanJson } from './json.ts'
import { encodeResource, encodeScope, encodeSpan } from './protobuf.ts'
import { begin, writeVarint, written } from './writer.ts'

/** An `ExportTraceServiceRequest`, serialized, and how many spans it holds. */
export interface EncodedBatch {
  readonly body: Uint8Array<ArrayBuffer>
  readonly spans: number
}

/**
 * Gathers ended spans as bytes, so that nothing of a span's objects outlives its end: a queue of bytes is small, its
 * size is known, and it is no work for the garbage collector. All spans have one resource.
 */
export interface BatchEncoder {
  /** Spans since the last {@link take}. */
  readonly spans: number
  /** Bytes that they take, without what the resource takes. */
  readonly bytes: number
  add(span: ReadableSpan): void
  /** All since the last call, by scope and in the order in which they were added. */
  take(): EncodedBatch
}

/** For `http/protobuf` and `grpc`. */
export function createProtobufEncoder(resource: Resource): BatchEncoder {
  const resourceBytes = Uint8Array.from(encodeResource(resource))
  let scopes = new Map<InstrumentationScope, ScopeBuffer>()
  let spans = 0
  let bytes = 0

  return {
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    add(span) {
      const scope = span.instrumentationScope
      let buffer = scopes.get(scope)
      if (!buffer) {
        buffer = new ScopeBuffer(encodeScope(scope))
        scopes.set(scope, buffer)
      }
      const encoded = encodeSpan(span)
      buffer.append(encoded)
      bytes += encoded.length
      spans++
    },
    take() {
      const scopeTag = 0x12
      const parts: Uint8Array[] = [resourceBytes]
      for (const { content } of scopes.values()) parts.push(lengthDelimited(scopeTag, content.length), content)
      const total = parts.reduce((sum, part) => sum + part.length, 0)
      const prefix = lengthDelimited(0x0a, total)
      const body = new Uint8Array(prefix.length + total)
      let at = 0
      for (const part of [prefix, ...parts]) {
        body.set(part, at)
        at += part.length
      }
      const batch = { body, spans }
      // What a large batch has taken is not kept for the small ones after it.
      scopes = new Map()
      spans = bytes = 0
      return batch
    },
  }
}

/** For `http/json`. */
export function createJsonEncoder(resource: Resource): BatchEncoder {
  const head = JSON.stringify(resourceJson(resource)).slice(0, -1)
  let scopes = new Map<InstrumentationScope, string[]>()
  let spans = 0
  let bytes = 0

  return {
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    add(span) {
      const text = JSON.stringify(spanJson(span))
      const texts = scopes.get(span.instrumentationScope)
      if (texts) texts.push(text)
      else scopes.set(span.instrumentationScope, [text])
      bytes += text.length
      spans++
    },
    take() {
      const scopeSpans = [...scopes].map(
        ([scope, texts]) => `${JSON.stringify(scopeJson(scope)).slice(0, -1)},"spans":[${texts.join(',')}]}`,
      )
      const text = `{"resourceSpans":[${head},"scopeSpans":[${scopeSpans.join(',')}]}]}`
      const batch = { body: new TextEncoder().encode(text), spans }
      scopes = new Map()
      spans = bytes = 0
      return batch
    },
  }
}

/** A `ScopeSpans` that grows. */
class ScopeBuffer {
  #bytes: Uint8Array
  #length: number

  constructor(head: Uint8Array) {
    this.#bytes = new Uint8Array(Math.max(8_192, head.length))
    this.#bytes.set(head)
    this.#length = head.length
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  append(span: Uint8Array): void {
    const length = this.#length + span.length
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, length))
      larger.set(this.content)
      this.#bytes = larger
    }
    this.#bytes.set(span, this.#length)
    this.#length = length
  }
}

/** The tag and the length of a field with so many bytes. */
function lengthDelimited(tag: number, length: number): Uint8Array {
  begin()
  writeVarint(length)
  writeVarint(tag)
  return Uint8Array.from(written())
}
