/** Digests, each as often as it was added; 13 bytes for each place. */
export class DigestTable {
  #lo: Uint32Array
  #hi: Uint32Array
  /** How often it is left, times two; with one more where somebody has asked for it. */
  #left: Uint32Array
  #isUsed: Uint8Array
  #used = 0

  /** `expected`: digests that are added; it grows for more. */
  constructor(expected: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(16, 1.5 * expected)))
    this.#lo = new Uint32Array(places)
    this.#hi = new Uint32Array(places)
    this.#left = new Uint32Array(places)
    this.#isUsed = new Uint8Array(places)
  }

  add(lo: number, hi: number): void {
    if (this.#used > 0.8 * this.#lo.length) this.#grow()
    this.#put(lo, hi, 2)
  }

  /** Takes one of it away; false: there is none left. */
  take(lo: number, hi: number): boolean {
    const at = this.#find(lo, hi)
    if (!this.#isUsed[at]) return false
    const left = this.#left[at]!
    this.#left[at] = (left < 2 ? left : left - 2) | 1
    return left >= 2
  }

  /** What is left: of what was asked for, and of what nobody has asked for. */
  rest(): { readonly ofAsked: number; readonly others: number } {
    let [ofAsked, others] = [0, 0]
    for (const left of this.#left) {
      if (left & 1) ofAsked += left >> 1
      else others += left >> 1
    }
    return { ofAsked, others }
  }

  #put(lo: number, hi: number, more: number): void {
    const at = this.#find(lo, hi)
    if (!this.#isUsed[at]) this.#used++
    this.#lo[at] = lo
    this.#hi[at] = hi
    this.#isUsed[at] = 1
    this.#left[at]! += more
  }

  #find(lo: number, hi: number): number {
    const mask = this.#lo.length - 1
    let at = lo & mask
    while (this.#isUsed[at] && (this.#lo[at] !== lo || this.#hi[at] !== hi)) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const [lo, hi, left, isUsed] = [this.#lo, this.#hi, this.#left, this.#isUsed]
    this.#lo = new Uint32Array(2 * lo.length)
    this.#hi = new Uint32Array(2 * lo.length)
    this.#left = new Uint32Array(2 * lo.length)
    this.#isUsed = new Uint8Array(2 * lo.length)
    this.#used = 0
    for (let i = 0; i < lo.length; i++) if (isUsed[i]) this.#put(lo[i]!, hi[i]!, left[i]!)
  }
}
