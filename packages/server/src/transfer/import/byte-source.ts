/**
 * Bytes that come in pieces, taken off as they are needed. Holds no more than what was asked for, and the rest of a piece. Where they cannot be read any
 * further they end, and {@link failure} says why.
 */
export class ByteSource {
  /** Of the next byte. */
  offset = 0
  failure: Error | undefined
  readonly #pieces: AsyncIterator<Uint8Array>
  #held: Buffer[] = []
  #length = 0
  #ended = false

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** The next bytes, which stay there; fewer where there are no more. */
  async peek(length: number): Promise<Buffer> {
    while (this.#length < length && !this.#ended) {
      const piece = await this.#next()
      if (piece) this.#hold(piece)
      else this.#ended = true
    }
    if (this.#held.length > 1) this.#held = [Buffer.concat(this.#held)]
    return (this.#held[0] ?? Buffer.alloc(0)).subarray(0, length)
  }

  /** Takes the next bytes; fewer where there are no more. */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.peek(length)
    this.#length -= bytes.length
    this.offset += bytes.length
    const rest = this.#held[0]?.subarray(bytes.length)
    this.#held = rest && rest.length > 0 ? [rest] : []
    return bytes
  }

  /** What is left, piece by piece. */
  async *rest(): AsyncGenerator<Buffer> {
    for (let piece = await this.read(1 << 16); piece.length > 0; piece = await this.read(1 << 16)) yield piece
  }

  /** Nothing more is read. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #next(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#pieces.next()
      return next.done ? undefined : next.value
    } catch (error) {
      this.failure = error as Error
      return undefined
    }
  }

  #hold(piece: Uint8Array): void {
    this.#held.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
    this.#length += piece.length
  }
}
