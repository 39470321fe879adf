/** Where the values of certain attributes are in the bytes of a message: for what looks at a few attributes of each span and decodes none. */
import { utf8Bytes } from './text.ts'
import { lengthEnd, LENGTH, next, readTag, skipField } from './wire.ts'

/** One is used for one message after the other; its results hold until the next call. */
export class AttributeFinder {
  /** Of each key, in the order of the keys, the bytes of its `AnyValue`; -1 where the message has no such attribute. */
  readonly start: Int32Array
  readonly end: Int32Array
  readonly #keys: readonly Uint8Array[]
  readonly #tag: number

  /** `field`: the number of the field that holds the attributes, 9 in a span. */
  constructor(keys: readonly string[], field: number) {
    this.#keys = keys.map(utf8Bytes)
    this.#tag = (field << 3) | LENGTH
    this.start = new Int32Array(keys.length)
    this.end = new Int32Array(keys.length)
  }

  /**
   * Looks in the message in `[p, stop)`. Where a key comes twice the first counts. An attribute that is not in the plain form, key and then
   * value, is found as the whole `KeyValue`. Throws {@link OtlpError} where it is no message; what is within the attributes is not validated.
   */
  find(bytes: Uint8Array, p: number, stop: number): void {
    this.start.fill(-1)
    const wanted = this.#tag
    while (p < stop) {
      const tag = readTag(bytes, p, stop)
      p = next
      if ((tag & 7) !== LENGTH) {
        p = skipField(bytes, p, stop, tag, 0)
        continue
      }
      const end = lengthEnd(bytes, p, stop)
      if (tag === wanted) this.#look(bytes, next, end)
      p = end
    }
  }

  #look(bytes: Uint8Array, start: number, end: number): void {
    let p = start
    let keyStart = start
    let keyEnd = start
    if (p < end && bytes[p] === 0x0a) {
      keyEnd = lengthEnd(bytes, p + 1, end)
      keyStart = next
      p = keyEnd
    }
    let valueStart = p
    let valueEnd = p
    if (p < end && bytes[p] === 0x12) {
      valueEnd = lengthEnd(bytes, p + 1, end)
      valueStart = next
      p = valueEnd
    }
    if (p !== end) {
      this.#lookAnyhow(bytes, start, end)
      return
    }
    const at = this.#indexOf(bytes, keyStart, keyEnd)
    if (at < 0 || this.start[at]! >= 0) return
    this.start[at] = valueStart
    this.end[at] = valueEnd
  }

  #lookAnyhow(bytes: Uint8Array, start: number, end: number): void {
    let keyStart = start
    let keyEnd = start
    for (let p = start; p < end;) {
      const tag = readTag(bytes, p, end)
      p = skipField(bytes, next, end, tag, 0)
      if (tag !== 0x0a) continue
      keyStart = next
      keyEnd = p
    }
    const at = this.#indexOf(bytes, keyStart, keyEnd)
    if (at < 0 || this.start[at]! >= 0) return
    this.start[at] = start
    this.end[at] = end
  }

  #indexOf(bytes: Uint8Array, start: number, end: number): number {
    const keys = this.#keys
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const length = key.length
      if (end - start !== length) continue
      // Keys of one length often begin alike, as `http.method` and `http.target`: from their ends they differ sooner.
      let j = length - 1
      while (j >= 0 && bytes[start + j] === key[j]) j--
      if (j < 0) return i
    }
    return -1
  }
}

/** Where the content of a length-delimited field is; all of `[p, end)` where it is not there once. Throws {@link OtlpError} where that is no message. */
export function rangeOf(bytes: Uint8Array, p: number, end: number, field: number): readonly [number, number] {
  const whole = [p, end] as const
  let found: readonly [number, number] | undefined
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = skipField(bytes, next, end, tag, 0)
    if (tag !== ((field << 3) | LENGTH)) continue
    if (found) return whole
    found = [next, p]
  }
  return found ?? whole
}
