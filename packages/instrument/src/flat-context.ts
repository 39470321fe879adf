import type { Context } from '@opentelemetry/api'

/**
 * A context as the API has it, in a list: it holds two or three values, and a request makes three of it. The API's own copies a Map and makes
 * three functions for each. A value that is set again takes its old one's place, so that what is nested for ever does not grow.
 */
class FlatContext implements Context {
  /** Key, value, key, value. */
  readonly #entries: readonly unknown[]

  constructor(entries: readonly unknown[]) {
    this.#entries = entries
  }

  getValue(key: symbol): unknown {
    const entries = this.#entries
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === key) return entries[i + 1]
    return undefined
  }

  setValue(key: symbol, value: unknown): Context {
    const entries = this.#entries.slice()
    let at = 0
    while (at < entries.length && entries[at] !== key) at += 2
    entries[at] = key
    entries[at + 1] = value
    return new FlatContext(entries)
  }

  deleteValue(key: symbol): Context {
    const at = this.#entries.findIndex((entry, index) => index % 2 === 0 && entry === key)
    return at === -1 ? this : new FlatContext(this.#entries.toSpliced(at, 2))
  }
}

/** What is active where nothing was set: as the API's `ROOT_CONTEXT`. */
export const rootContext: Context = new FlatContext([])
