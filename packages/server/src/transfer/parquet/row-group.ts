import { decodeTraces, type KeyValue, type ResourceSpans } from '@spoor/otlp'
import { type AttributeColumn, type AttributeLevel, columnName } from './attribute-columns.ts'
import { attributesText } from './json-text.ts'
import { REST_COLUMNS } from './schema.ts'
import { type Cell, EVENT_FIELDS, type FieldOf, LINK_FIELDS, SPAN_COLUMNS } from './span-columns.ts'

/** What a service is called whose resource has no `service.name`, as everywhere in Spoor. */
const UNKNOWN_SERVICE = 'unknown_service'

type Item = Readonly<Record<string, Cell>>

/** One column of a group: a value for each row. */
export interface GroupColumn {
  readonly name: string
  readonly data: (Cell | readonly Item[])[]
}

/** Attributes of one level, divided: those that have a column, and the others as text. */
interface Divided {
  readonly cells: readonly (readonly [column: number, value: Cell])[]
  readonly rest: string | null
}

/** Rows that are collected, column by column, until they are written as one row group. */
export class RowGroup {
  #rows = 0
  #characters = 0
  readonly #columns: GroupColumn[]
  /** By level and key: where in the columns, and what kind of value goes there. */
  readonly #places: ReadonlyMap<string, { readonly at: number; readonly kind: string }>
  readonly #restAt: Readonly<Record<AttributeLevel, number>>

  constructor(attributes: readonly AttributeColumn[]) {
    const first = SPAN_COLUMNS.length
    this.#places = new Map(
      attributes.map(({ level, key, kind }, i) => [columnName(level, key), { at: first + i, kind }] as const),
    )
    const after = first + attributes.length
    this.#restAt = { span: after, resource: after + 1, scope: after + 2 }
    this.#columns = [
      ...SPAN_COLUMNS.map(({ name }) => name),
      ...attributes.map(({ level, key }) => columnName(level, key)),
      ...Object.values(REST_COLUMNS),
      'events',
      'links',
    ].map((name) => ({ name, data: [] }))
  }

  get rows(): number {
    return this.#rows
  }

  /** Of the texts that differ from row to row, about. */
  get characters(): number {
    return this.#characters
  }

  /** Serialized `TracesData`. */
  add(bytes: Uint8Array): void {
    for (const resourceSpans of decodeTraces(bytes).resourceSpans) this.#addResource(resourceSpans)
  }

  /** The columns, whole; the group is empty then. */
  take(): GroupColumn[] {
    for (const { data } of this.#columns) pad(data, this.#rows)
    const taken = this.#columns.map(({ name, data }) => ({ name, data: data.splice(0) }))
    this.#rows = 0
    this.#characters = 0
    return taken
  }

  #addResource(resourceSpans: ResourceSpans): void {
    const { resource, scopeSpans: scopes } = resourceSpans
    const service = serviceOf(resource.attributes)
    const others = resource.attributes.filter((attribute) => attribute !== service)
    const ofResource = this.#divide('resource', others)
    const name = service?.value.type === 'string' ? service.value.value : UNKNOWN_SERVICE
    for (const scopeSpans of scopes) {
      const ofScope = this.#divide('scope', scopeSpans.scope.attributes)
      for (const span of scopeSpans.spans) {
        const placed = { resourceSpans, service: name, scopeSpans, span }
        for (let i = 0; i < SPAN_COLUMNS.length; i++) this.#columns[i]!.data.push(SPAN_COLUMNS[i]!.of(placed))
        this.#put('resource', ofResource)
        this.#put('scope', ofScope)
        this.#put('span', this.#divide('span', span.attributes))
        const events = itemsOf(EVENT_FIELDS, span.events)
        const links = itemsOf(LINK_FIELDS, span.links)
        this.#columns.at(-2)!.data.push(events)
        this.#columns.at(-1)!.data.push(links)
        for (const item of [...events, ...links]) this.#characters += charactersOf(item)
        this.#rows++
      }
    }
  }

  #divide(level: AttributeLevel, attributes: readonly KeyValue[]): Divided {
    const cells: (readonly [number, Cell])[] = []
    const rest: KeyValue[] = []
    for (const attribute of attributes) {
      const place = this.#places.get(columnName(level, attribute.key))
      const { value } = attribute
      // Of a key that comes twice, the column has the first.
      if (place?.kind === value.type && !cells.some(([at]) => at === place.at)) {
        cells.push([place.at, (value as { readonly value: Cell }).value])
      } else rest.push(attribute)
    }
    return { cells, rest: attributesText(rest) }
  }

  #put(level: AttributeLevel, { cells, rest }: Divided): void {
    for (const [at, value] of cells) {
      const { data } = this.#columns[at]!
      pad(data, this.#rows)
      data.push(value)
      if (typeof value === 'string') this.#characters += value.length
    }
    this.#columns[this.#restAt[level]]!.data.push(rest)
    this.#characters += rest?.length ?? 0
  }
}

/** The attribute that names the service. */
function serviceOf(attributes: readonly KeyValue[]): KeyValue | undefined {
  return attributes.find(({ key, value }) => key === 'service.name' && value.type === 'string')
}

function itemsOf<T>(fields: readonly FieldOf<T>[], items: readonly T[]): Item[] {
  return items.map((item) => Object.fromEntries(fields.map(({ name, of }) => [name, of(item)])))
}

function charactersOf(item: Item): number {
  return Object.values(item).reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0), 0)
}

function pad(data: (Cell | readonly Item[])[], rows: number): void {
  while (data.length < rows) data.push(null)
}
