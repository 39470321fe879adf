/** Why bytes could not be read as OTLP. Every code is permanent: sending the same bytes again gives the same answer. */
export type OtlpErrorCode =
  /** A message or field ends after the end of the bytes that hold it. */
  | 'truncated'
  /**
   * A known field has another wire type than the proto says, a group or reserved wire type (3, 4, 6, 7), or a tag that
   * no field can have (field number 0, or more than 32 bits).
   */
  | 'wire_type'
  /** A varint of more than 64 bits (ten bytes). */
  | 'varint'
  /** A trace id that is not 0 or 16 bytes, a span id that is not 0 or 8 bytes. */
  | 'id_length'
  /** `AnyValue` nested deeper than {@link MAX_DEPTH}. */
  | 'too_deep'
  /** The text is not JSON, or a JSON value has the wrong type for its field. */
  | 'json'

/** The deepest nesting of `AnyValue` that is read. 64 is more than any SDK makes, and protects the stack. */
export const MAX_DEPTH = 64

/**
 * Bytes or JSON that are not a valid OTLP message. `offset` is the byte (protobuf) at which reading stopped; `path`
 * names the field (`resourceSpans[0].scopeSpans[0].spans[3].traceId`) where it is known, which is always so for JSON.
 */
export class OtlpError extends Error {
  override readonly name = 'OtlpError'
  readonly code: OtlpErrorCode
  readonly offset: number
  readonly path: string
  constructor(code: OtlpErrorCode, message: string, at: { offset?: number; path?: string } = {}) {
    super(message)
    this.code = code
    this.offset = at.offset ?? -1
    this.path = at.path ?? ''
  }
}
