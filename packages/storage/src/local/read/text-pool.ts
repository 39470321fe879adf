/** Distinct texts in the pool beyond which it begins anew. */
const MAX_TEXTS = 100_000

/** Texts of which there is one each: blocks have much the same keys. */
export class TextPool {
  readonly #known = new Map<string, string>()

  /** The same texts, those of the pool. */
  shared(texts: readonly string[]): string[] {
    return texts.map((text) => {
      const known = this.#known.get(text)
      if (known !== undefined) return known
      if (this.#known.size >= MAX_TEXTS) this.#known.clear()
      this.#known.set(text, text)
      return text
    })
  }
}
