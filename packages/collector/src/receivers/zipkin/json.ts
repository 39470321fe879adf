/** Reading the JSON of requests: what is there must be of its type, and what is not is empty. */
import { CollectorError } from '../../component/index.ts'

/** The fields of each object of the list; `null` is no object of it. Throws `invalid_data`. */
export function listOf(bytes: Uint8Array): Fields[] {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch (error) {
    throw new CollectorError('invalid_data', `not JSON: ${(error as Error).message}`)
  }
  return itemsOf(value, 'spans')
}

function itemsOf(value: unknown, place: string): Fields[] {
  if (!Array.isArray(value)) throw wrong(place, 'a list', value)
  return value.flatMap((item: unknown, index) => (item === null ? [] : [new Fields(item, `${place}[${index}]`)]))
}

export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #place: string

  constructor(value: unknown, place: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(place, 'an object', value)
    this.#fields = value as Record<string, unknown>
    this.#place = place
  }

  text(key: string): string {
    const value = this.#fields[key]
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value
    throw wrong(this.placeOf(key), 'a text', value)
  }

  /** Of a value that some write without quotes. */
  anyText(key: string): string {
    const value = this.#fields[key]
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : this.text(key)
  }

  /** Whole and not negative. */
  count(key: string): number {
    const value = this.#fields[key]
    if (value === undefined || value === null) return 0
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw wrong(this.placeOf(key), 'a whole number, not negative', value)
  }

  /** Undefined: it is not there. */
  object(key: string): Fields | undefined {
    const value = this.#fields[key]
    return value === undefined || value === null ? undefined : new Fields(value, this.placeOf(key))
  }

  list(key: string): Fields[] {
    const value = this.#fields[key]
    return value === undefined || value === null ? [] : itemsOf(value, this.placeOf(key))
  }

  keys(): string[] {
    return Object.keys(this.#fields)
  }

  placeOf(key: string): string {
    return `${this.#place}.${key}`
  }
}

const SHOWN = 40

function wrong(place: string, expected: string, value: unknown): CollectorError {
  return new CollectorError(
    'invalid_data',
    `${place}: expected ${expected}, found ${JSON.stringify(value)?.slice(0, SHOWN)}`,
  )
}
