import { CODING, ROLE } from './column.ts'
import type { Columns } from './columns.ts'
import { EncodedColumn } from './encoded-column.ts'
import type { Entries } from './entries.ts'
import type { LevelRows } from './level-rows.ts'
import { Numbers } from './number-column.ts'
import { inPieces } from './pieces.ts'
import type { Hold } from './specimen.ts'
import type { Templates } from './template.ts'
import { TextCoder } from './text-cases.ts'

/** Columns for all values that were found, each with its cases. Those without values are there, too, and empty. */
export function codeColumns(
  columns: Columns,
  entries: Entries,
  spans: LevelRows,
  runs: ReadonlyMap<number, number[]>,
): EncodedColumn[] {
  const encoded = columns.names.map((name) => new EncodedColumn(name))
  const members = membersOf(entries, encoded.length, spans.count)
  const coder = new TextCoder(entries)
  const numbers = new Numbers(entries.count)
  numbers.high = new Uint16Array(entries.count)
  for (const [i, column] of encoded.entries()) {
    const own = members[i]!
    if (own.length === 0) continue
    column.uses = entries.usesOf(own)
    if (column.coding === CODING.text) column.setTexts(coder.code(column.name, own), coder)
    else {
      readNumbers(column, entries, own, numbers)
      column.setEntries(numbers, own, entries, coder.entryCase)
    }
  }
  coder.finish()
  for (const [i, lengths] of runs) {
    const column = encoded[i]!
    column.uses = spans.count
    const own = new Numbers(lengths.length)
    own.value.set(lengths)
    column.setSizes(own, lengths.length)
  }
  return encoded
}

/** By column: its entries, by place, so that what one trace alone has is on few pages. */
function membersOf(entries: Entries, columns: number, places: number): Uint32Array[] {
  const { count } = entries
  const all = new Uint32Array(count)
  const keys = new Uint32Array(count)
  inPieces(count, (from, to) => entries.readPlaces(from, to, all, keys))
  const { order: placed } = sorted(all, keys, Math.max(1, places))
  inPieces(count, (from, to) => entries.readColumns(placed, from, to, keys))
  const { order, first } = sorted(placed, keys, columns)
  return Array.from({ length: columns }, (_, i) => order.subarray(first[i], first[i + 1]))
}

/** By their keys, which are below `limit`; those with the same stay in their order. `first`: where those of a key begin. */
function sorted(members: Uint32Array, keys: Uint32Array, limit: number): { order: Uint32Array; first: Uint32Array } {
  const first = new Uint32Array(limit + 1)
  inPieces(members.length, (from, to) => countKeys(keys, from, to, first))
  for (let i = 0; i < limit; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const order = new Uint32Array(members.length)
  inPieces(members.length, (from, to) => putMembers(members, keys, from, to, next, order))
  return { order, first }
}

function countKeys(keys: Uint32Array, from: number, to: number, first: Uint32Array): void {
  for (let i = from; i < to; i++) first[keys[i]! + 1]!++
}

function putMembers(
  members: Uint32Array,
  keys: Uint32Array,
  from: number,
  to: number,
  next: Uint32Array,
  order: Uint32Array,
): void {
  for (let i = from; i < to; i++) order[next[keys[i]!]!++] = members[i]!
}

function readNumbers({ coding, name }: EncodedColumn, entries: Entries, members: Uint32Array, numbers: Numbers): void {
  const from = name.role === ROLE.attribute ? 1 : 0
  for (let i = 0; i < members.length; i++) {
    const entry = members[i]!
    if (coding === CODING.double) readDouble(entries.view, entries.start(entry) + from, entry, numbers)
    else readVarint(entries.view, entries.start(entry) + from, entries.end(entry), entry, numbers)
  }
}

function readDouble(view: DataView, at: number, entry: number, numbers: Numbers): void {
  const hi = view.getUint32(at + 4, true)
  numbers.high![entry] = hi >>> 20
  numbers.value[entry] = (hi & 0xfffff) * 2 ** 32 + view.getUint32(at, true)
}

function readVarint(view: DataView, at: number, end: number, entry: number, numbers: Numbers): void {
  let lo = 0
  let hi = 0
  for (let p = at, shift = 0; p < end; p++, shift += 7) {
    const bits = view.getUint8(p) & 127
    if (shift < 32) lo |= bits << shift
    if (shift > 24) hi |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32)
  }
  numbers.set(entry, lo >>> 0, hi >>> 0)
}

/** The lengths of runs, each once and by column; in the rows' slots their number takes the place of the length. `hold`: see `specimen.ts`. */
export function numberRuns(
  columns: Columns,
  rows: LevelRows,
  templates: Templates,
  hold?: Hold,
): Map<number, number[]> {
  const runs = new Runs(columns, rows, templates)
  hold?.(runs)
  inPieces(rows.count, (from, to) => runs.number(from, to))
  return runs.lengths
}

/** A hole of a template that has the length of a run. */
interface RunPlace {
  readonly slot: number
  readonly column: number
}

class Runs {
  /** By column. */
  readonly lengths = new Map<number, number[]>()
  readonly #numbers = new Map<number, Map<number, number>>()
  readonly #columns: Columns
  readonly #rows: LevelRows
  readonly #templates: Templates
  /** By template. */
  readonly #places: (readonly RunPlace[] | undefined)[] = []

  constructor(columns: Columns, rows: LevelRows, templates: Templates) {
    this.#columns = columns
    this.#rows = rows
    this.#templates = templates
  }

  number(from: number, to: number): void {
    const { node, first, slots } = this.#rows
    for (let row = from; row < to; row++) {
      const own = this.#placesOf(node[row]!)
      for (let i = 0; i < own.length; i++) {
        const place = first[row]! + own[i]!.slot
        slots[place] = this.#numberOf(own[i]!.column, slots[place]!)
      }
    }
  }

  #placesOf(node: number): readonly RunPlace[] {
    return (this.#places[node] ??= this.#templates
      .columns(node)
      .flatMap((column, slot) => (this.#columns.names[column]!.role === ROLE.run ? [{ slot, column }] : [])))
  }

  #numberOf(column: number, length: number): number {
    let known = this.#numbers.get(column)
    if (!known) {
      this.#numbers.set(column, (known = new Map<number, number>()))
      this.lengths.set(column, [])
    }
    let number = known.get(length)
    if (number === undefined) {
      known.set(length, (number = known.size))
      this.lengths.get(column)!.push(length)
    }
    return number
  }
}
