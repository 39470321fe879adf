/**
 * gRPC's length-prefixed messages and its header encodings, both ways. Source: grpc/doc/PROTOCOL-HTTP2.md.
 *
 *     byte 0      compressed flag: 0 or 1
 *     byte 1-4    length of the message, big endian
 *     byte 5-     the message
 */
import { CollectorError } from '../component/index.ts'

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
 * Puts one message together from DATA events, which may split it anywhere, the prefix too. The message gets a buffer of
 * its own as soon as its length is known, so that each byte is copied once. Throws `too_large` when the prefix
 * announces more than `maxBytes`, `invalid_data` for anything that is not exactly one message.
 */
export class MessageReader {
  readonly #maxBytes: number
  readonly #setting: string
  readonly #prefix = new Uint8Array(PREFIX_BYTES)
  #prefixLength = 0
  #message: Uint8Array | undefined
  #filled = 0

  /** `setting`: the name of the config key that sets `maxBytes`, for the error. */
  constructor(maxBytes: number, setting: string) {
    this.#maxBytes = maxBytes
    this.#setting = setting
  }

  add(data: Uint8Array): void {
    let offset = 0
    while (this.#prefixLength < PREFIX_BYTES && offset < data.length) {
      this.#prefix[this.#prefixLength++] = data[offset++]!
    }
    if (this.#prefixLength < PREFIX_BYTES) return
    this.#message ??= this.#allocate()
    const rest = offset === 0 ? data : data.subarray(offset)
    if (rest.length > this.#message.length - this.#filled) {
      throw new CollectorError('invalid_data', 'more bytes than one message: a unary call has exactly one')
    }
    this.#message.set(rest, this.#filled)
    this.#filled += rest.length
  }

  #allocate(): Uint8Array {
    const flag = this.#prefix[0]!
    if (flag > 1) throw new CollectorError('invalid_data', `compressed flag is ${flag}; it must be 0 or 1`)
    const length = new DataView(this.#prefix.buffer).getUint32(1)
    if (length > this.#maxBytes) {
      throw new CollectorError(
        'too_large',
        `received message larger than max (${length} vs. ${this.#maxBytes} bytes); send smaller batches or raise ${this.#setting}`,
      )
    }
    // Not from Node's shared pool: the bytes stay for as long as the batch lives and may be handed to a worker.
    return Buffer.allocUnsafeSlow(length)
  }

  /** The message, once the stream has ended. */
  end(): GrpcMessage {
    if (this.#prefixLength < PREFIX_BYTES || !this.#message || this.#filled < this.#message.length) {
      const expected = this.#message ? this.#message.length : 'a 5-byte prefix'
      throw new CollectorError(
        'invalid_data',
        `truncated message: the stream ended after ${this.#message ? this.#filled : this.#prefixLength} of ${expected} bytes`,
      )
    }
    return { compressed: this.#prefix[0] === 1, bytes: this.#message }
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
