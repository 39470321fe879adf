import type { OperationKey } from '../block/rows.ts'

/** Distinct values in a pool beyond which it begins anew: of operations some 15 MB. */
const MAX_VALUES = 100_000
/** Sets that are shared, of some hundred bytes each. */
const MAX_SETS = 1_000
/** Of a number, so much is in one code unit; its highest bit says that there is more. */
const UNIT_BITS = 15
const MORE = 1 << UNIT_BITS

/** Values of which there is one each: blocks have much the same operations and keys, some thousands of them. */
export class Pool<T> {
  #numbers = new Map<string, number>()
  #values: T[] = []
  readonly #sets = new Map<string, PooledList<T>>()
  readonly #keyOf: (value: T) => string
  readonly #maxValues: number

  /** `keyOf`: what is the same for the same values, and for no others; `maxValues`: beyond them the pool begins anew. */
  constructor(keyOf: (value: T) => string, maxValues = MAX_VALUES) {
    this.#keyOf = keyOf
    this.#maxValues = maxValues
  }

  /** The same values, those of the pool. */
  shared(values: readonly T[]): T[] {
    this.#makeRoom(values.length)
    return values.map((value) => this.#values[this.#numberOf(value)]!)
  }

  one(value: T): T {
    this.#makeRoom(1)
    return this.#values[this.#numberOf(value)]!
  }

  /** The same values in the least memory: a store has ten thousands of blocks, with hundreds of them each. */
  list(values: readonly T[]): PooledList<T> {
    this.#makeRoom(values.length)
    return new PooledList(
      this.#values,
      values.map((value) => this.#numberOf(value)),
    )
  }

  /** The same where their order says nothing: most blocks have one of a few sets. */
  set(values: readonly T[]): PooledList<T> {
    this.#makeRoom(values.length)
    const numbers = values.map((value) => this.#numberOf(value)).sort((a, b) => a - b)
    const list = new PooledList(this.#values, numbers)
    const known = this.#sets.get(list.text)
    if (known) return known
    if (this.#sets.size >= MAX_SETS) this.#sets.clear()
    this.#sets.set(list.text, list)
    return list
  }

  /** Lists that there are keep the values that they have. */
  #makeRoom(more: number): void {
    if (this.#values.length + more <= this.#maxValues || this.#values.length === 0) return
    this.#numbers = new Map()
    this.#values = []
    this.#sets.clear()
  }

  #numberOf(value: T): number {
    const key = this.#keyOf(value)
    let number = this.#numbers.get(key)
    if (number === undefined) this.#numbers.set(key, (number = this.#values.push(value) - 1))
    return number
  }
}

/** Some values of a pool, by their numbers in it, which are the code units of a string. */
export class PooledList<T> {
  readonly text: string
  readonly #of: readonly T[]

  constructor(of: readonly T[], numbers: readonly number[]) {
    const units: number[] = []
    for (let number of numbers) {
      for (; number >= MORE; number >>>= UNIT_BITS) units.push((number % MORE) | MORE)
      units.push(number)
    }
    this.#of = of
    this.text = Buffer.from(Uint16Array.from(units).buffer).toString('utf16le')
  }

  get values(): T[] {
    const values: T[] = []
    for (let at = 0; at < this.text.length; at++) {
      let number = 0
      let shift = 0
      let unit = this.text.charCodeAt(at)
      for (; unit >= MORE; unit = this.text.charCodeAt(++at), shift += UNIT_BITS) number += (unit - MORE) << shift
      values.push(this.#of[number + (unit << shift)]!)
    }
    return values
  }
}

/** What blocks know their services by: nearly all have one of a few sets, of a kilobyte each. */
export function servicesText(services: ReadonlySet<string>): string {
  return JSON.stringify([...services].sort())
}

export function operationText({ service, name, kind }: OperationKey): string {
  return `${kind} ${service.length} ${service}${name}`
}
