import { CODING, ROLE } from './column.ts'
import type { Columns } from './columns.ts'
import { EncodedColumn } from './encoded-column.ts'
import type { Entries } from './entries.ts'
import type { LevelRows } from './level-rows.ts'
import { Numbers } from './number-column.ts'
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
    for (const entry of own) column.uses += entries.uses(entry)
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
  const all = Uint32Array.from({ length: entries.count }, (_, entry) => entry)
  const { order: placed } = sorted(all, Math.max(1, places), (entry) => entries.placeOf(entry))
  const { order, first } = sorted(placed, columns, (entry) => entries.column(entry))
  return Array.from({ length: columns }, (_, i) => order.subarray(first[i], first[i + 1]))
}

/** By their key, below `keys`; those with the same stay in their order. `first`: where those of a key begin. */
function sorted(
  members: Uint32Array,
  keys: number,
  keyOf: (member: number) => number,
): { order: Uint32Array; first: Uint32Array } {
  const first = new Uint32Array(keys + 1)
  for (let i = 0; i < members.length; i++) first[keyOf(members[i]!) + 1]!++
  for (let i = 0; i < keys; i++) first[i + 1]! += first[i]!
  const next = first.slice()
  const order = new Uint32Array(members.length)
  for (let i = 0; i < members.length; i++) order[next[keyOf(members[i]!)]!++] = members[i]!
  return { order, first }
}

function readNumbers({ coding, name }: EncodedColumn, entries: Entries, members: Uint32Array, numbers: Numbers): void {
  const { view } = entries
  const from = name.role === ROLE.attribute ? 1 : 0
  for (const entry of members) {
    const at = entries.start(entry) + from
    if (coding === CODING.double) {
      const hi = view.getUint32(at + 4, true)
      numbers.high![entry] = hi >>> 20
      numbers.value[entry] = (hi & 0xfffff) * 2 ** 32 + view.getUint32(at, true)
    } else {
      const end = entries.end(entry)
      let lo = 0
      let hi = 0
      for (let p = at, shift = 0; p < end; p++, shift += 7) {
        const bits = view.getUint8(p) & 127
        if (shift < 32) lo |= bits << shift
        if (shift > 24) hi |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32)
      }
      numbers.set(entry, lo >>> 0, hi >>> 0)
    }
  }
}

/** The lengths of runs, each once and by column; in the rows' slots their number takes the place of the length. */
export function numberRuns(
  columns: Columns,
  rows: LevelRows,
  slotColumns: (node: number) => readonly number[],
): Map<number, number[]> {
  const runs = new Map<number, number[]>()
  const known = new Map<number, Map<number, number>>()
  const places: ({ slot: number; column: number }[] | undefined)[] = []
  for (let row = 0; row < rows.count; row++) {
    const node = rows.node[row]!
    const own = (places[node] ??= slotColumns(node).flatMap((column, slot) =>
      columns.names[column]!.role === ROLE.run ? [{ slot, column }] : [],
    ))
    for (let i = 0; i < own.length; i++) {
      const { slot, column } = own[i]!
      const place = rows.first[row]! + slot
      const length = rows.slots[place]!
      let lengths = known.get(column)
      if (!lengths) {
        known.set(column, (lengths = new Map<number, number>()))
        runs.set(column, [])
      }
      let number = lengths.get(length)
      if (number === undefined) {
        lengths.set(length, (number = lengths.size))
        runs.get(column)!.push(length)
      }
      rows.slots[place] = number
    }
  }
  return runs
}
