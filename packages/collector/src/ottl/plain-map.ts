import type { AnyValue, KeyValue } from '@spoor/otlp'

/** A map that is not in a message, with what `Attributes` can do: values in maps, and the cache that statements share. */
export class PlainMap {
  #entries: KeyValue[]
  isChanged = false

  constructor(entries: readonly KeyValue[] = []) {
    this.#entries = [...entries]
  }

  get size(): number {
    return this.#entries.length
  }

  has(key: string): boolean {
    return this.#find(key) >= 0
  }

  get(key: string): AnyValue | undefined {
    return this.#entries[this.#find(key)]?.value
  }

  isText(key: string, text: string): boolean {
    const value = this.get(key)
    return value?.type === 'string' && value.value === text
  }

  set(key: string, value: AnyValue): void {
    const at = this.#find(key)
    this.#entries[at < 0 ? this.#entries.length : at] = { key, value }
    this.isChanged = true
  }

  delete(key: string): boolean {
    return this.retain((each) => each !== key) > 0
  }

  /** Gives an entry another key, in its place and with its value; what had that key is taken out. */
  rename(key: string, to: string): void {
    this.replaceAll(
      this.#entries.flatMap((entry) => {
        if (entry.key === to) return []
        return [entry.key === key ? { key: to, value: entry.value } : entry]
      }),
    )
  }

  keys(): string[] {
    return this.#entries.map(({ key }) => key)
  }

  toArray(): KeyValue[] {
    return [...this.#entries]
  }

  retain(isKept: (key: string) => boolean): number {
    const kept = this.#entries.filter(({ key }) => isKept(key))
    const removed = this.#entries.length - kept.length
    if (removed > 0) this.replaceAll(kept)
    return removed
  }

  update(change: (key: string, value: AnyValue) => AnyValue | undefined): void {
    this.replaceAll(
      this.#entries.flatMap(({ key, value }) => {
        const changed = change(key, value)
        return changed ? [{ key, value: changed }] : []
      }),
    )
  }

  replaceAll(entries: readonly KeyValue[]): void {
    this.#entries = [...entries]
    this.isChanged = true
  }

  #find(key: string): number {
    return this.#entries.findIndex((entry) => entry.key === key)
  }
}
