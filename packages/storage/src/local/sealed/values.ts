import type { Field, Target } from '../../contract.ts'
import type { Value } from '../block/attribute.ts'
import type { ColumnValues, ValueColumn } from '../read/block.ts'
import { attributeTarget, type AttributeTarget } from '../read/span-view.ts'
import { collectValues, RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, textAt } from '../read/wire.ts'
import { ColumnEntries } from './column-values.ts'
import { LEVEL, ROLE, SPAN_HEADERS, type LevelNumber } from './column.ts'
import { Numbers } from './number-column.ts'
import { NO_BITS } from './section-file.ts'
import type { SectionColumns } from './section-columns.ts'
import { field } from './wire.ts'

/** Fields that are columns, by where they are. Those that each span has are in the rows. */
const FIELDS: Partial<Record<Field, { readonly level: LevelNumber; readonly path: readonly number[] }>> = {
  statusMessage: { level: LEVEL.span, path: [15, 2] },
  traceState: { level: LEVEL.span, path: [3] },
  eventName: { level: LEVEL.event, path: [2] },
  scopeName: { level: LEVEL.scope, path: [1, 1] },
  scopeVersion: { level: LEVEL.scope, path: [1, 2] },
}

/** Span.attributes = 9. */
const ATTRIBUTE = 0x4a
const GROUP = SPAN_HEADERS[3]!
const NONE: Uint8Array = new Uint8Array()

/** The levels at which a target's attributes are. */
const LEVELS_OF: Readonly<Record<string, readonly LevelNumber[]>> = {
  any: [LEVEL.span, LEVEL.event, LEVEL.link, LEVEL.resource, LEVEL.scope],
  span: [LEVEL.span],
  event: [LEVEL.event],
  link: [LEVEL.link],
  resource: [LEVEL.resource],
  scope: [LEVEL.scope],
}

/** Events are in field 11 of a span, links in 13; length-delimited. */
const RUN_TAGS: Partial<Record<LevelNumber, number>> = { [LEVEL.event]: 0x5a, [LEVEL.link]: 0x6a }

/** A column by the rows of its level. */
interface LevelColumn extends ValueColumn {
  readonly codes: Uint32Array
}

/** The values of a target by span. Undefined: it is in the rows, or nowhere. */
export function valuesOf(columns: SectionColumns, target: Target): ColumnValues | undefined {
  return new ValueReader(columns).read(target)
}

class ValueReader {
  readonly #columns: SectionColumns
  readonly #spans: number
  #groups: Uint32Array | undefined

  constructor(columns: SectionColumns) {
    this.#columns = columns
    this.#spans = columns.head.levels[LEVEL.span]!.rows
  }

  read(target: Target): ColumnValues | undefined {
    if ('field' in target) {
      const place = FIELDS[target.field]
      if (!place) return undefined
      const { level, path } = place
      const name = {
        role: ROLE.field,
        type: (path.at(-1)! << 3) | 2,
        name: Uint8Array.from(path.slice(0, -1), (one) => (one << 3) | 2),
      }
      const found = this.#columns.find({ level, ...name })
      const own = (bytes: Uint8Array): Value[] => [textAt(bytes, 0, bytes.length, path)]
      return this.#valuesAt([level], () => (found === undefined ? [] : [found]), undefined, own)
    }
    const wanted = attributeTarget(target)
    const levels = LEVELS_OF[target.level ?? 'any']!
    const own = (bytes: Uint8Array, level: LevelNumber): Value[] => {
      const values: Value[] = []
      const place = level === LEVEL.resource ? RESOURCE_PLACE : SCOPE_PLACE
      collectValues(bytes, 0, bytes.length, place, wanted.key, values)
      return values
    }
    return this.#valuesAt(levels, (level) => this.#attributeColumns(level, wanted.key), wanted, own)
  }

  /** `own`: the values of a resource or scope that is kept as it came. */
  #valuesAt(
    levels: readonly LevelNumber[],
    columnsAt: (level: LevelNumber) => number[],
    wanted: AttributeTarget | undefined,
    own: (bytes: Uint8Array, level: LevelNumber) => Value[],
  ): ColumnValues {
    const columns: ValueColumn[] = []
    for (const level of levels) {
      for (const number of columnsAt(level)) {
        if (this.#columns.head.column(number).values === 0) continue
        const column = this.#levelColumn(number, wanted)
        columns.push(
          level === LEVEL.span || RUN_TAGS[level] ? this.#bySpan(column, level) : this.#byGroup(column, level),
        )
      }
      if (level === LEVEL.resource || level === LEVEL.scope) {
        const kept = this.#keptColumn(level, own)
        if (kept) columns.push(this.#byGroup(kept, level))
      }
    }
    const isOfSpan = levels.some((level) => level <= LEVEL.link)
    const unread = isOfSpan ? this.#keptRows() : undefined
    return unread ? { columns, unread } : { columns }
  }

  #attributeColumns(level: LevelNumber, key: Uint8Array): number[] {
    const found: number[] = []
    for (const [i, column] of this.#columns.head.columns.entries()) {
      if (column.level !== level) continue
      const isIt = column.role === ROLE.attribute && isEqual(column.name, key)
      if (isIt || column.role === ROLE.odd) found.push(i)
    }
    return found
  }

  /** A column by the rows of its level. */
  #levelColumn(number: number, wanted: AttributeTarget | undefined): LevelColumn {
    const { column } = this.#columns.reader(number)
    const entries = new ColumnEntries(this.#columns.file, column)
    const found = this.#codesOf(number, entries)
    if (!entries.isChecked) return { ...found, size: entries.size, value: (entry) => entries.value(entry) }
    const values = Array.from({ length: entries.size }, (_, entry) =>
      column.role === ROLE.attribute ? entries.anyValue(entry) : valueOfOdd(entries.bytes(entry), wanted!.key),
    )
    for (const [i, code] of found.codes.entries()) if (code > 0 && values[code - 1] === undefined) found.codes[i] = 0
    return { ...found, size: values.length, value: (entry) => values[entry] ?? '' }
  }

  #codesOf(number: number, entries: ColumnEntries): { codes: Uint32Array; offsets?: Uint32Array } {
    const { level } = this.#columns.head.columns[number]!
    const rows = this.#columns.head.levels[level]!.rows
    const reader = this.#columns.reader(number)
    const lists = Array.from(this.#columns.chunks(level, 0, rows), (chunk) => {
      const shapes = this.#columns.shapes(level, chunk)
      return { shapes, first: chunk.first[level]!, list: this.#columns.cases(number, chunk, 0, shapes.length) }
    })
    if (!reader.isMany) {
      const codes = new Uint32Array(rows)
      for (const { shapes, first, list } of lists) {
        for (let row = 0, i = 0; row < shapes.length; row++)
          if (reader.valuesOf(shapes[row]!) === 1) codes[first + row] = entries.entry(list, i++) + 1
      }
      return { codes }
    }
    const codes = new Uint32Array(lists.reduce((sum, { list }) => sum + list.count, 0))
    const offsets = new Uint32Array(rows + 1)
    let next = 0
    for (const { shapes, first, list } of lists) {
      for (let i = 0; i < list.count; i++) codes[next + i] = entries.entry(list, i) + 1
      for (let row = 0; row < shapes.length; row++) offsets[first + row + 1] = next += reader.valuesOf(shapes[row]!)
    }
    return { codes, offsets }
  }

  /** A column of spans, events or links by span. */
  #bySpan(column: LevelColumn, level: LevelNumber): ValueColumn {
    if (level === LEVEL.span) return column
    const { codes, offsets } = column
    const ends = this.#innerEnds(level)
    return { ...column, codes, offsets: Uint32Array.from(ends, (end) => (offsets ? offsets[end]! : end)) }
  }

  /** By span, and one more: the events, or links, of all spans before it. */
  #innerEnds(level: LevelNumber): Uint32Array {
    const ends = new Uint32Array(this.#spans + 1)
    const name = { level: LEVEL.span, role: ROLE.run, type: RUN_TAGS[level]!, name: NONE }
    const number = this.#columns.find(name)
    if (number === undefined) return ends
    const reader = this.#columns.reader(number)
    for (const chunk of this.#columns.chunks(LEVEL.span, 0, this.#spans)) {
      const shapes = this.#columns.shapes(LEVEL.span, chunk)
      const total = shapes.reduce((sum, shape) => sum + reader.valuesOf(shape), 0)
      const lengths = new Numbers(total)
      reader.readNumbers(this.#columns.file.bits(chunk, number) ?? NO_BITS, shapes, 0, shapes.length, lengths, 0)
      for (let row = 0, i = 0; row < shapes.length; row++) {
        for (let left = reader.valuesOf(shapes[row]!); left > 0; left--)
          ends[chunk.first[LEVEL.span]! + row + 1]! += lengths.value[i++]!
      }
    }
    for (let row = 0; row < this.#spans; row++) ends[row + 1]! += ends[row]!
    return ends
  }

  /** A column of resources or scopes by span. */
  #byGroup(column: LevelColumn, level: LevelNumber): ValueColumn {
    const { resourceOf, scopeOf } = this.#columns.head
    const memberOf = level === LEVEL.resource ? resourceOf : scopeOf
    const { codes, offsets } = column
    this.#groups ??= Uint32Array.from(this.#columns.numbers(GROUP, 0, this.#spans).value)
    const groups = this.#groups
    if (!offsets) return { ...column, codes: Uint32Array.from(groups, (group) => codes[memberOf[group]!]!) }
    const ends = new Uint32Array(groups.length + 1)
    for (const [row, group] of groups.entries())
      ends[row + 1] = ends[row]! + offsets[memberOf[group]! + 1]! - offsets[memberOf[group]!]!
    const all = new Uint32Array(ends.at(-1)!)
    for (const [row, group] of groups.entries())
      all.set(codes.subarray(offsets[memberOf[group]!], offsets[memberOf[group]! + 1]), ends[row])
    return { ...column, codes: all, offsets: ends }
  }

  /** The values of resources or scopes that are kept as they came. */
  #keptColumn(level: LevelNumber, read: (bytes: Uint8Array, level: LevelNumber) => Value[]): LevelColumn | undefined {
    const number = this.#columns.find({ level, role: ROLE.own, type: 0, name: NONE })
    if (number === undefined || this.#columns.head.column(number).values === 0) return undefined
    const entries = new ColumnEntries(this.#columns.file, this.#columns.reader(number).column)
    const { codes } = this.#codesOf(number, entries)
    const values: Value[] = []
    const found: number[] = []
    const offsets = new Uint32Array(codes.length + 1)
    for (const [row, code] of codes.entries()) {
      for (const value of code > 0 ? read(entries.bytes(code - 1), level) : []) found.push(values.push(value))
      offsets[row + 1] = found.length
    }
    return { size: values.length, value: (entry) => values[entry]!, codes: Uint32Array.from(found), offsets }
  }

  /** The spans that are kept as they came. */
  #keptRows(): Uint32Array | undefined {
    const number = this.#columns.find({ level: LEVEL.span, role: ROLE.own, type: 0, name: NONE })
    if (number === undefined || this.#columns.head.column(number).values === 0) return undefined
    const reader = this.#columns.reader(number)
    const rows: number[] = []
    for (const chunk of this.#columns.chunks(LEVEL.span, 0, this.#spans)) {
      const shapes = this.#columns.shapes(LEVEL.span, chunk)
      for (let row = 0; row < shapes.length; row++)
        if (reader.valuesOf(shapes[row]!) > 0) rows.push(chunk.first[LEVEL.span]! + row)
    }
    return rows.length > 0 ? Uint32Array.from(rows) : undefined
  }
}

function valueOfOdd(bytes: Uint8Array, key: Uint8Array): Value | undefined {
  const message = field(ATTRIBUTE, bytes)
  const values: Value[] = []
  collectValues(message, 0, message.length, SPAN_PLACES.span, key, values)
  return values[0]
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
