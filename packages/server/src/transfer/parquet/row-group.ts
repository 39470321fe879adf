import { decodeTraces, type KeyValue, type ResourceSpans } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { type AttributeColumn, type AttributeLevel, columnName } from './attribute-columns.ts'
import { attributesText } from './json-text.ts'
import { REST_COLUMNS } from './schema.ts'
import { type Cell, EVENT_FIELDS, type FieldOf, LINK_FIELDS, SPAN_COLUMNS } from './span-columns.ts'

type Item = Readonly<Record<string, Cell>>

/** One column of a group: a value for each row. */
export interface GroupColumn {
  readonly name: string
  readonly data: (Cell | readonly Item[])[]
}

/** Where the values of a key go. */
interface Place {
  readonly column: GroupColumn
  readonly kind: string
}

/** Attributes of one level, divided: those that have a column, and the others as text. */
interface Divided {
  readonly cells: readonly (readonly [column: GroupColumn, value: Cell])[]
  readonly rest: string | null
}

/** Rows that are collected, column by column, until they are written as one row group. */
export class RowGroup {
  #rows = 0
  #characters = 0
  readonly #spanColumns = SPAN_COLUMNS.map(({ name }) => columnOf(name))
  readonly #attributeColumns: readonly GroupColumn[]
  readonly #rest = {
    span: columnOf(REST_COLUMNS.span),
    resource: columnOf(REST_COLUMNS.resource),
    scope: columnOf(REST_COLUMNS.scope),
  }
  readonly #events = columnOf('events')
  readonly #links = columnOf('links')
  readonly #places: Readonly<Record<AttributeLevel, Map<string, Place>>> = {
    span: new Map(),
    resource: new Map(),
    scope: new Map(),
  }

  constructor(attributes: readonly AttributeColumn[]) {
    this.#attributeColumns = attributes.map(({ level, key, kind }) => {
      const column = columnOf(columnName(level, key))
      this.#places[level].set(key, { column, kind })
      return column
    })
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

  /** The columns, in the order of the schema; the group is empty then. */
  take(): GroupColumn[] {
    const columns = [
      ...this.#spanColumns,
      ...this.#attributeColumns,
      ...Object.values(this.#rest),
      this.#events,
      this.#links,
    ]
    for (const { data } of this.#attributeColumns) pad(data, this.#rows)
    this.#rows = 0
    this.#characters = 0
    return columns.map(({ name, data }) => ({ name, data: data.splice(0) }))
  }

  #addResource(resourceSpans: ResourceSpans): void {
    const { resource, scopeSpans: scopes } = resourceSpans
    const named = resource.attributes.find(({ key, value }) => key === 'service.name' && value.type === 'string')
    const service = named?.value.type === 'string' ? named.value.value : UNKNOWN_SERVICE
    const others = resource.attributes.filter((attribute) => attribute !== named)
    const ofResource = this.#divide('resource', others)
    for (const scopeSpans of scopes) {
      const ofScope = this.#divide('scope', scopeSpans.scope.attributes)
      for (const span of scopeSpans.spans) {
        const placed = { resourceSpans, service, scopeSpans, span }
        for (let i = 0; i < SPAN_COLUMNS.length; i++) this.#spanColumns[i]!.data.push(SPAN_COLUMNS[i]!.of(placed))
        this.#put('resource', ofResource)
        this.#put('scope', ofScope)
        this.#put('span', this.#divide('span', span.attributes))
        this.#events.data.push(this.#itemsOf(EVENT_FIELDS, span.events))
        this.#links.data.push(this.#itemsOf(LINK_FIELDS, span.links))
        this.#rows++
      }
    }
  }

  #divide(level: AttributeLevel, attributes: readonly KeyValue[]): Divided {
    const places = this.#places[level]
    const cells: (readonly [GroupColumn, Cell])[] = []
    const rest: KeyValue[] = []
    for (const attribute of attributes) {
      const place = places.get(attribute.key)
      const { value } = attribute
      // Of a key that comes twice, the column has the first.
      if (place?.kind === value.type && !cells.some(([column]) => column === place.column)) {
        cells.push([place.column, (value as { readonly value: Cell }).value])
      } else rest.push(attribute)
    }
    return { cells, rest: attributesText(rest) }
  }

  #put(level: AttributeLevel, { cells, rest }: Divided): void {
    for (const [{ data }, value] of cells) {
      pad(data, this.#rows)
      data.push(value)
      if (typeof value === 'string') this.#characters += value.length
    }
    this.#rest[level].data.push(rest)
    this.#characters += rest?.length ?? 0
  }

  #itemsOf<T>(fields: readonly FieldOf<T>[], items: readonly T[]): readonly Item[] {
    if (items.length === 0) return NO_ITEMS
    return items.map((item) => {
      const cells = fields.map(({ name, of }) => [name, of(item)] as const)
      for (const [, cell] of cells) if (typeof cell === 'string') this.#characters += cell.length
      return Object.fromEntries(cells)
    })
  }
}

const NO_ITEMS: readonly Item[] = []

function columnOf(name: string): GroupColumn {
  return { name, data: [] }
}

function pad(data: (Cell | readonly Item[])[], rows: number): void {
  while (data.length < rows) data.push(null)
}
