import { decodeText } from './attribute.ts'
import { HashSet } from './hash.ts'

/** Different keys beyond which a block does not tell which it has. */
const MAX_KEYS = 1_000
/** Bytes of a key, beyond which the same. */
const MAX_KEY = 1_024
const SEEN = 1 << 10

/** The hashes of a block's attributes, and the keys themselves: with them a word can be looked for in the filter of all values, whatever their key. */
export class KeyedHashes extends HashSet {
  /** The hashes of {@link #texts}. Of keys with the same hash one is enough: the filter does not tell them apart. */
  readonly #keys = new HashSet(MAX_KEYS)
  #texts: string[] = []
  #isWhole = true
  /** By the last bits of a hash: the key that had them last. Nearly every attribute is of a key that has been seen. */
  readonly #seen = new Int32Array(SEEN)

  /** Each once, but for some whose hash is another's; undefined: there are too many. */
  get keys(): readonly string[] | undefined {
    return this.#isWhole ? this.#texts : undefined
  }

  override addKey(hash: number, bytes: Uint8Array, start: number, end: number): void {
    const place = hash & (SEEN - 1)
    if (hash !== 0 && this.#seen[place] === hash) return
    this.#seen[place] = hash
    this.add(hash)
    const before = this.#keys.size
    this.#keys.add(hash)
    if (this.#keys.overflowed || end - start > MAX_KEY) this.#isWhole = false
    if (!this.#isWhole || this.#keys.size === before) return
    const text = decodeText(bytes, start, end)
    // Of what is no UTF-8 the text does not have the hash.
    if (text.includes('\uFFFD')) this.#isWhole = false
    else this.#texts.push(text)
  }

  override clear(): void {
    super.clear()
    this.#keys.clear()
    this.#texts = []
    this.#isWhole = true
    this.#seen.fill(0)
  }
}
