const text = new TextEncoder()
const MARKERS = /([\ue000\ue001])/

/** What is patched in a serialized request before each send. */
export const MARK = { traceId: 0, spanId: 1, time: 2, serial: 3, digits: 4 } as const
export type Mark = (typeof MARK)[keyof typeof MARK]

/** In a text for {@link Message.marked}: the four hex digits behind it are those of the pass. */
export const SERIAL = '\ue001'

/** In a text for {@link Message.marked}: the four decimal digits behind it are others in each pass. */
export const DIGITS = '\ue000'

/**
 * One protobuf message that is being written, together with the places in it that are patched later. The bench has
 * its own small writer, so that what is measured does not also make the input that it is measured with.
 */
export class Message {
  #bytes: Buffer
  #length = 0
  /** Mark kinds and their offsets into the message, side by side. */
  readonly markKinds: Mark[] = []
  readonly markOffsets: number[] = []

  constructor(capacity = 512) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  uint(field: number, value: number): this {
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }

  bool(field: number, value: boolean): this {
    return this.uint(field, value ? 1 : 0)
  }

  double(field: number, value: number): this {
    this.#varint((field << 3) | 1)
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
    return this
  }

  fixed32(field: number, value: number): this {
    this.#varint((field << 3) | 5)
    this.#reserve(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
    return this
  }

  /** A marked `fixed64` of nanoseconds, a safe integer: relative until it is patched. */
  time(field: number, nanoseconds: number): this {
    this.#varint((field << 3) | 1)
    this.#mark(MARK.time)
    this.#reserve(8)
    this.#length = this.#bytes.writeUInt32LE(nanoseconds >>> 0, this.#length)
    this.#length = this.#bytes.writeUInt32LE(Math.floor(nanoseconds / 0x1_0000_0000), this.#length)
    return this
  }

  string(field: number, value: string): this {
    return this.raw(field, text.encode(value))
  }

  /** A string in which what stands behind {@link SERIAL} and {@link DIGITS} is patched. */
  marked(field: number, value: string): this {
    const parts = value.split(MARKERS)
    if (parts.length === 1) return this.string(field, value)
    const bytes = text.encode(parts.filter((_, i) => i % 2 === 0).join(''))
    this.#varint((field << 3) | 2)
    this.#varint(bytes.length)
    let at = 0
    for (let i = 0; i + 2 < parts.length; i += 2) {
      at += Buffer.byteLength(parts[i] ?? '')
      this.#mark(parts[i + 1] === SERIAL ? MARK.serial : MARK.digits, at)
    }
    this.#append(bytes)
    return this
  }

  /** A length-delimited field; `mark`, where given, marks the first byte of its content. */
  raw(field: number, bytes: Uint8Array, mark?: Mark, markAt = 0): this {
    this.#varint((field << 3) | 2)
    this.#varint(bytes.length)
    if (mark !== undefined) this.#mark(mark, markAt)
    this.#append(bytes)
    return this
  }

  /** A nested message, with its marks. */
  message(field: number, child: Message): this {
    this.raw(field, child.bytes)
    const start = this.#length - child.#length
    for (const [i, kind] of child.markKinds.entries()) {
      this.markKinds.push(kind)
      this.markOffsets.push(start + (child.markOffsets[i] ?? 0))
    }
    return this
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #mark(kind: Mark, at = 0): void {
    this.markKinds.push(kind)
    this.markOffsets.push(this.#length + at)
  }

  #varint(value: number): void {
    this.#reserve(10)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#length++] = rest
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
