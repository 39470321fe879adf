import type { Level } from '../../../contract.ts'
import type { Value } from '../../block/attribute.ts'
import { viewOf } from '../../block/hash.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import { ValueMemo } from '../filter/value-memo.ts'
import { isReadable } from '../range.ts'
import { SpanView } from '../span-view.ts'
import type { Turn } from '../turn.ts'
import { RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, visitAttributes } from '../wire.ts'
import { levelsOf, NO_VALUE, UNKNOWN_VALUE, type GroupValues } from './group-values.ts'

type OneLevel = Exclude<Level, 'any'>

/** What reading a row costs, in units of {@link Turn.work}. */
const ROW_UNITS = 4_000
const OF_SPAN: readonly OneLevel[] = ['span', 'event', 'link']
const OF_GROUP: readonly OneLevel[] = ['resource', 'scope']

/** As {@link GroupValues.of} of each key, where a block has no columns of attributes with one look at each row for all of them. Undefined when the turn ended. */
export async function valuesOfAll(
  keys: readonly GroupValues[],
  block: Block,
  rows: BlockRows,
  wanted: Uint8Array,
  turn: Turn,
): Promise<Uint32Array[] | undefined> {
  const all: Uint32Array[] = []
  const read = new Reader(block, rows)
  for (const values of keys) {
    const numbers = block.frame && 'attribute' in values.key ? read.add(values) : await values.of(block, rows, wanted)
    if (!numbers) return undefined
    all.push(numbers)
  }
  for (let row = wanted.indexOf(1); row >= 0 && !read.isEmpty; row = wanted.indexOf(1, row + 1)) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return undefined
    read.row(row, turn)
  }
  return all
}

/** A key, and what it has in each row. */
interface Sought {
  readonly values: GroupValues
  readonly levels: readonly OneLevel[]
  readonly numbers: Uint32Array
  /** Of the level that the number of the row at hand is from. */
  rank: number
}

/** A value of the resource or the scope. */
interface Found {
  readonly sought: Sought
  readonly rank: number
  readonly number: number
}

class Reader {
  readonly #rows: BlockRows
  readonly #view: SpanView
  readonly #all: Sought[] = []
  readonly #sought = new Map<string, Sought[]>()
  /** What is to be done with an attribute, by what the memo says of it. */
  readonly #answers: (readonly { readonly sought: Sought; readonly number: number }[])[] = []
  readonly #memo = new ValueMemo((value, key) => this.#ask(value, key))
  #bytes: Uint8Array | undefined
  #dataView = viewOf(new Uint8Array())
  /** By group: what its resource and scope have. */
  readonly #groups = new Map<number, readonly Found[]>()

  constructor(block: Block, rows: BlockRows) {
    this.#rows = rows
    this.#view = new SpanView(block, rows)
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** Gives what {@link row} fills. */
  add(values: GroupValues): Uint32Array {
    const { attribute, level = 'any' } = values.key as { readonly attribute: string; readonly level?: Level }
    const sought = { values, levels: levelsOf(level), numbers: new Uint32Array(this.#rows.count), rank: Infinity }
    this.#all.push(sought)
    this.#sought.set(attribute, [...(this.#sought.get(attribute) ?? []), sought])
    return sought.numbers
  }

  row(row: number, turn: Turn): void {
    if (!isReadable(this.#view, row, turn)) {
      for (const { numbers } of this.#all) numbers[row] = UNKNOWN_VALUE
      return
    }
    for (const sought of this.#all) sought.rank = Infinity
    for (const level of OF_SPAN) this.#visit(level, (sought, rank, number) => take(sought, row, rank, number))
    for (const { sought, rank, number } of this.#ofGroup(this.#rows.group[row]!)) take(sought, row, rank, number)
  }

  #ofGroup(group: number): readonly Found[] {
    const known = this.#groups.get(group)
    if (known) return known
    const found: Found[] = []
    for (const level of OF_GROUP) this.#visit(level, (sought, rank, number) => found.push({ sought, rank, number }))
    this.#groups.set(group, found)
    return found
  }

  /** Tells of each value of a sought key at a level. */
  #visit(level: OneLevel, tell: (sought: Sought, rank: number, number: number) => void): void {
    const view = this.#view
    const range = level === 'resource' ? view.resourceRange() : level === 'scope' ? view.scopeRange() : view.spanRange()
    const place = level === 'resource' ? RESOURCE_PLACE : level === 'scope' ? SCOPE_PLACE : SPAN_PLACES[level]
    visitAttributes(view.bytes, ...range, place, (bytes, start, end) => {
      if (bytes !== this.#bytes) {
        this.#bytes = bytes
        this.#dataView = viewOf(bytes)
      }
      const answer = this.#memo.of(bytes, this.#dataView, start, end)
      if (answer === 0) return
      for (const { sought, number } of this.#answers[answer - 1]!) {
        const rank = sought.levels.indexOf(level)
        if (rank >= 0) tell(sought, rank, number)
      }
    })
  }

  /** Of a key that is sought, the number of its answer + 1; else 0. */
  #ask(value: Value, key: string): number {
    const sought = this.#sought.get(key)
    if (!sought) return 0
    const text = String(value)
    return this.#answers.push(sought.map((one) => ({ sought: one, number: one.values.numberOf(text) })))
  }
}

/** The first level that has the key counts, and of its values the least. */
function take(sought: Sought, row: number, rank: number, number: number): void {
  if (rank > sought.rank) return
  sought.numbers[row] = sought.values.least(rank < sought.rank ? NO_VALUE : sought.numbers[row]!, number)
  sought.rank = rank
}
