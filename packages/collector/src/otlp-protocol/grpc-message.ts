/**
 * gRPC's length-prefixed messages and its header encodings, both ways. Source: grpc/doc/PROTOCOL-HTTP2.md.
 *
 *     byte 0      compressed flag: 0 or 1
 *     byte 1-4    length of the message, big endian
 *     byte 5-     the message
 */
import { CollectorError } from '../component/index.ts'
import { BodyBuffer, type Holding } from './body-buffer.ts'

export const PREFIX_BYTES = 5

/** The prefix of a message of `length` bytes. */
export function messagePrefix(compressed: boolean, length: number): Uint8Array {
  const prefix = new Uint8Array(PREFIX_BYTES)
  prefix[0] = compressed ? 1 : 0
  new DataView(prefix.buffer).setUint32(1, length)
  return prefix
}

export interface GrpcMessage {
  readonly compressed: boolean
  readonly bytes: Uint8Array
}

/**
 * Puts one message together from DATA events, which may split it anywhere, the prefix too. Throws `too_large` when the
 * prefix announces more than `maxBytes`, `invalid_data` for anything that is not exactly one message, `overloaded` when
 * the budget has no room for it.
 */
export class MessageReader {
  readonly #maxBytes: number
  readonly #setting: string
  readonly #holding: Holding | undefined
  readonly #prefix = new Uint8Array(PREFIX_BYTES)
  #prefixLength = 0
  #length = 0
  #message: BodyBuffer | undefined

  /**
   * `setting`: the name of the config key that sets `maxBytes`, for the error. `holding`: what the bytes are leased
   * from; undefined where they are not accounted for.
   */
  constructor(maxBytes: number, setting: string, holding?: Holding) {
    this.#maxBytes = maxBytes
    this.#setting = setting
    this.#holding = holding
  }

  add(data: Uint8Array): void {
    let offset = 0
    while (this.#prefixLength < PREFIX_BYTES && offset < data.length) {
      this.#prefix[this.#prefixLength++] = data[offset++]!
    }
    if (this.#prefixLength < PREFIX_BYTES) return
    this.#message ??= this.#open()
    const rest = offset === 0 ? data : data.subarray(offset)
    if (rest.length > this.#length - this.#message.length) {
      throw new CollectorError('invalid_data', 'more bytes than one message: a unary call has exactly one')
    }
    this.#message.add(rest)
  }

  #open(): BodyBuffer {
    const flag = this.#prefix[0]!
    if (flag > 1) throw new CollectorError('invalid_data', `compressed flag is ${flag}; it must be 0 or 1`)
    this.#length = new DataView(this.#prefix.buffer).getUint32(1)
    if (this.#length > this.#maxBytes) {
      throw new CollectorError(
        'too_large',
        `received message larger than max (${this.#length} vs. ${this.#maxBytes} bytes); send smaller batches or raise ${this.#setting}`,
      )
    }
    return new BodyBuffer(this.#length, this.#holding)
  }

  /** The message, once the stream has ended. */
  end(): GrpcMessage {
    if (!this.#message || this.#message.length < this.#length) {
      const expected = this.#message ? this.#length : 'a 5-byte prefix'
      throw new CollectorError(
        'invalid_data',
        `truncated message: the stream ended after ${this.#message ? this.#message.length : this.#prefixLength} of ${expected} bytes`,
      )
    }
    return { compressed: this.#prefix[0] === 1, bytes: this.#message.end() }
  }

  /** Frees what has arrived. */
  free(): void {
    this.#message?.free()
  }
}

/** `grpc-message`: percent-encoded UTF-8, printable ASCII but `%` stays. */
export function encodeGrpcMessage(message: string): string {
  return message
    .toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]+/g, (text) =>
      Array.from(new TextEncoder().encode(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
        '',
      ),
    )
}

/** The other way; what is not valid percent-encoding is left as it is, as the specification asks. */
export function decodeGrpcMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
