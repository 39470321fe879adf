/** The resources that spans come with: each is read once, and then known by its bytes. */
import { decodeResourceHeader, rangeOf, type AnyValue, type KeyValue } from '@spoor/otlp'
import { ByteTable } from './byte-table.ts'
import { attributeOf } from './dimensions.ts'

/** Bytes of what is remembered of spans and of resources; beyond it, it is forgotten, and made anew. */
export const MAX_TABLE_BYTES = 8 * 1024 * 1024
const RESOURCE_OF_RESOURCE_SPANS = 1

/** A resource that names a service. */
export interface Named {
  /** Numbered as they come, anew from each time that all were forgotten. */
  readonly id: number
  readonly service: AnyValue
  readonly attributes: readonly KeyValue[]
}

export class Origins<T> {
  readonly #read: (resource: Named) => T
  readonly #forgotten: () => void
  readonly #table = new ByteTable()
  readonly #known: (T | undefined)[] = []

  /** `read`: makes what is to be known of a resource. `forgotten`: told when all are, and their numbers begin anew. */
  constructor(read: (resource: Named) => T, forgotten: () => void) {
    this.#read = read
    this.#forgotten = forgotten
  }

  /** Of the `ResourceSpans` in these bytes; undefined for a resource without a service. */
  of(bytes: Uint8Array, start: number, end: number): T | undefined {
    const [from, to] = rangeOf(bytes, start, end, RESOURCE_OF_RESOURCE_SPANS)
    const table = this.#table
    table.begin()
    table.range(bytes, from, to)
    const known = table.find()
    if (known >= 0) return this.#known[known]
    if (table.byteLength > MAX_TABLE_BYTES) this.#forget()
    const { attributes } = decodeResourceHeader(bytes, start, end).resource
    const service = attributeOf(attributes, 'service.name')
    const id = table.add()
    return (this.#known[id] = service && this.#read({ id, service, attributes }))
  }

  #forget(): void {
    this.#table.clear()
    this.#known.length = 0
    this.#forgotten()
  }
}
