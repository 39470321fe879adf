import type { GROUP_FIELDS, GroupKey, Level } from '../../../contract.ts'
import type { BlockRows, OperationKey } from '../../block/rows.ts'
import { firstColumnRow, type Block, type ColumnValues, type ValueColumn } from '../block.ts'
import { KINDS, STATUSES } from '../filter/field.ts'
import { isReadable } from '../range.ts'
import { attributeTarget, SpanView, type AttributeTarget } from '../span-view.ts'
import type { Turn } from '../turn.ts'

/** The levels at which an attribute is looked for, where none is named: the first that has it counts. */
const LEVELS: readonly Exclude<Level, 'any'>[] = ['span', 'resource', 'scope', 'event', 'link']
/** Of a text and its number in memory, beside the text. */
const TEXT_BYTES = 100
/** What a row costs, in units of {@link Turn.work}: by columns, and by its bytes. */
const ROW_UNITS = 10
const BYTES_UNITS = 1_000
/** Of a row's values, that there is none. */
export const NO_VALUE = 0
/** ... and that it could not be read, or there is no memory to tell it from others. */
export const UNKNOWN_VALUE = 2 ** 32 - 1

/** The levels at which an attribute is looked for, in turn. */
export function levelsOf(level: Level): readonly Exclude<Level, 'any'>[] {
  return level === 'any' ? LEVELS : [level]
}

/** The values of one key of the groups, numbered from 1 as they come. */
export class GroupValues {
  readonly key: GroupKey
  readonly #turn: Turn
  readonly #maxValues: number
  readonly #texts: string[] = []
  readonly #numbers = new Map<string, number>()

  /** `maxValues`: what comes after so many is {@link UNKNOWN_VALUE}. */
  constructor(key: GroupKey, turn: Turn, maxValues = Infinity) {
    this.key = key
    this.#maxValues = maxValues
    this.#turn = turn
  }

  /** How many numbers there are, {@link NO_VALUE} among them. */
  get size(): number {
    return this.#texts.length + 1
  }

  /** Undefined: there is none. */
  text(number: number): string | undefined {
    return this.#texts[number - 1]
  }

  /**
   * The number of each row whose `wanted` is 1: {@link NO_VALUE} where it has none. Undefined when the turn ended. By the block's columns where it has them, else, of
   * attributes, by the bytes of those rows.
   */
  async of(block: Block, rows: BlockRows, wanted: Uint8Array): Promise<Uint32Array | undefined> {
    const numbers = new Uint32Array(rows.count)
    const { key } = this
    if ('attribute' in key) return this.#ofAttribute(key, block, rows, wanted, numbers)
    const known = new Uint32Array(key.field === 'status' ? 256 : rows.operations.length)
    for (let row = 0; row < rows.count; row++) {
      if (this.#turn.work(ROW_UNITS) && (await this.#turn.breathe())) return undefined
      if (!wanted[row]) continue
      const of = key.field === 'status' ? rows.status[row]! : rows.operation[row]!
      numbers[row] = known[of] ||= this.numberOf(fieldText(key.field, rows, of))
    }
    return numbers
  }

  async #ofAttribute(
    { attribute, level = 'any' }: Extract<GroupKey, { attribute: string }>,
    block: Block,
    rows: BlockRows,
    wanted: Uint8Array,
    numbers: Uint32Array,
  ): Promise<Uint32Array | undefined> {
    const levels = levelsOf(level)
    /** Rows whose bytes have to be read. */
    const unread = wanted.slice()
    const from = firstColumnRow(block, rows)
    const columns = from === undefined ? undefined : this.#columnsOf(block, attribute, levels)
    if (columns) {
      unread.fill(0)
      const isDone = new Uint8Array(rows.count)
      for (const values of columns) {
        for (const column of values.columns)
          if (!(await this.#mark(column, from!, wanted, isDone, numbers))) return undefined
        if (values.columns.length > 0)
          for (let row = 0; row < rows.count; row++) if (numbers[row] !== NO_VALUE) isDone[row] = 1
        for (const row of values.unread ?? [])
          if (row >= from! && row < from! + rows.count) unread[row - from!] = wanted[row - from!]!
      }
    }
    const targets = levels.map((one) => attributeTarget({ attribute, level: one }))
    return this.#read(targets, new SpanView(block, rows), unread, numbers)
  }

  /** Of each level; undefined: the block has no columns of attributes. */
  #columnsOf(block: Block, attribute: string, levels: readonly Level[]): ColumnValues[] | undefined {
    const found: ColumnValues[] = []
    for (const level of levels) {
      const values = this.#turn.attempt(() => block.values({ attribute, level }))
      if (!values) return undefined
      found.push(values)
    }
    return found
  }

  /** Gives the rows that are not done what the column has for them. False when the turn ended. */
  async #mark(
    column: ValueColumn,
    from: number,
    wanted: Uint8Array,
    isDone: Uint8Array,
    numbers: Uint32Array,
  ): Promise<boolean> {
    const { codes, offsets, size } = column
    const known = new Uint32Array(size + 1)
    for (let row = 0; row < wanted.length; row++) {
      if (this.#turn.work(ROW_UNITS) && (await this.#turn.breathe())) return false
      if (!wanted[row] || isDone[row]) continue
      const first = offsets ? offsets[from + row]! : from + row
      const end = offsets ? offsets[from + row + 1]! : first + 1
      for (let i = first; i < end; i++) {
        const code = codes[i]!
        if (code === 0) continue
        known[code] ||= this.numberOf(String(column.value(code - 1)))
        numbers[row] = this.least(numbers[row]!, known[code])
      }
    }
    return true
  }

  async #read(
    targets: readonly AttributeTarget[],
    view: SpanView,
    unread: Uint8Array,
    numbers: Uint32Array,
  ): Promise<Uint32Array | undefined> {
    for (let row = unread.indexOf(1); row >= 0; row = unread.indexOf(1, row + 1)) {
      if (this.#turn.work(BYTES_UNITS) && (await this.#turn.breathe())) return undefined
      numbers[row] = isReadable(view, row, this.#turn) ? this.#valueAt(view, targets) : UNKNOWN_VALUE
    }
    return numbers
  }

  #valueAt(view: SpanView, targets: readonly AttributeTarget[]): number {
    for (const target of targets) {
      let number = NO_VALUE
      for (const value of view.attributes(target)) number = this.least(number, this.numberOf(String(value)))
      if (number !== NO_VALUE) return number
    }
    return NO_VALUE
  }

  /** Of two values of one row. */
  least(a: number, b: number): number {
    if (a === NO_VALUE || a === b) return b
    const [left, right] = [this.text(a), this.text(b)]
    return left !== undefined && right !== undefined && left < right ? a : b
  }

  /** {@link UNKNOWN_VALUE} where there is no room for another. */
  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) {
      if (this.#texts.length >= this.#maxValues) return UNKNOWN_VALUE
      if (!this.#turn.reserve(TEXT_BYTES + 4 * text.length)) return UNKNOWN_VALUE
      this.#numbers.set(text, (number = this.#texts.push(text)))
    }
    return number
  }
}

function fieldText(field: (typeof GROUP_FIELDS)[number], rows: BlockRows, of: number): string {
  return field === 'status' ? statusText(of) : operationText(field, rows.operations[of]!)
}

export function statusText(status: number): string {
  return STATUSES[status] ?? String(status)
}

export function operationText(field: Exclude<(typeof GROUP_FIELDS)[number], 'status'>, of: OperationKey): string {
  return field === 'kind' ? (KINDS[of.kind] ?? String(of.kind)) : of[field]
}
