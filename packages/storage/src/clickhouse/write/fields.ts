/**
 * Steps over the fields of a message that the scanner has walked, or stepped over: where it is malformed it ends, and no read goes beyond it. One is used for many
 * messages, so that none is made for a span.
 */
export class Fields {
  /** Of the field that it is at: its tag as on the wire, its payload, and where it begins. */
  tag = 0
  start = 0
  end = 0
  fieldStart = 0
  #bytes: Uint8Array = new Uint8Array()
  #stop = 0

  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#stop = end
    this.end = start
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    const bytes = this.#bytes
    const stop = this.#stop
    let p = this.end
    if (p >= stop) return false
    this.fieldStart = p
    let tag = bytes[p++]!
    if (tag > 127) {
      tag &= 127
      for (let shift = 7; p < stop; shift += 7) {
        const byte = bytes[p++]!
        tag += (byte & 127) * 2 ** shift
        if (byte < 128) break
      }
    }
    this.tag = tag
    this.start = p
    switch (tag & 7) {
      case 0:
        while (p < stop && bytes[p]! > 127) p++
        return this.#endAt(p + 1)
      case 1:
        return this.#endAt(p + 8)
      case 2: {
        let length = 0
        for (let scale = 1; p < stop; scale *= 128) {
          const byte = bytes[p++]!
          length += (byte & 127) * scale
          if (byte < 128) break
        }
        this.start = p
        return this.#endAt(p + length)
      }
      case 5:
        return this.#endAt(p + 4)
      default:
        return this.#endAt(Infinity)
    }
  }

  #endAt(end: number): boolean {
    const isWhole = end <= this.#stop
    this.end = isWhole ? end : this.#stop
    return isWhole
  }
}
