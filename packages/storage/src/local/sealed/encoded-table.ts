import type { EncodedColumn, Layout } from './encoded-column.ts'
import type { LevelRows } from './level-rows.ts'
import { inPieces } from './pieces.ts'

/** A number that every row has, `column`'s {@link EncodedColumn.plan} taking rows as members. */
export interface Header {
  readonly column: EncodedColumn
  readonly codes: Uint32Array
  /** By shape. */
  readonly layouts: Layout[]
  /** By shape: whether anything is written of it. */
  readonly isWritten: boolean[]
}

/** A shape in which a column has values: how many a row, and how they are written. */
export interface Use {
  readonly shape: number
  readonly values: number
  readonly layout: Layout
}

/** The rows of a level that is being written. */
export class EncodedTable {
  readonly count: number
  /** By row. */
  readonly shape: Uint32Array
  readonly shapes: number
  readonly headers: readonly Header[]
  /** By column, the shapes that have it, ascending. */
  readonly uses = new Map<EncodedColumn, Use[]>()
  readonly #rows: LevelRows | undefined
  /** By shape: the column of each slot, and how it is written. */
  readonly #slotColumns: (readonly EncodedColumn[])[] = []
  readonly #slotLayouts: Layout[][] = []
  readonly #slotCodes: Uint32Array
  /** By shape: the slots of which anything is written. */
  readonly #writtenSlots: (readonly number[])[] = []
  /** Memory that is used for one shape after the other: the values of a column, and where their codes belong. */
  #members = new Uint32Array(0)
  #places = new Uint32Array(0)

  /** `slots`: what the rows have in the holes of their templates, and by shape the column of each. */
  constructor(
    count: number,
    shape: Uint32Array,
    shapes: number,
    headers: readonly EncodedColumn[],
    slots?: { readonly rows: LevelRows; readonly ofShape: readonly (readonly EncodedColumn[])[] },
  ) {
    this.count = count
    this.shape = shape
    this.shapes = shapes
    this.headers = headers.map((column) => ({ column, codes: new Uint32Array(count), layouts: [], isWritten: [] }))
    this.#rows = slots?.rows
    this.#slotCodes = new Uint32Array(slots?.rows.slotCount ?? 0)
    for (let i = 0; i < shapes; i++) {
      this.#slotColumns.push(slots?.ofShape[i] ?? [])
      this.#slotLayouts.push([])
    }
    this.#plan()
  }

  #plan(): void {
    const { count, shape, shapes } = this
    const first = new Uint32Array(shapes + 1)
    inPieces(count, (from, to) => countShapes(shape, from, to, first))
    for (let i = 0; i < shapes; i++) first[i + 1]! += first[i]!
    const next = first.slice()
    const order = new Uint32Array(count)
    inPieces(count, (from, to) => putRows(shape, from, to, next, order))
    const firsts = new Uint32Array(count)
    for (let i = 0; i < shapes; i++) this.#planShape(i, order.subarray(first[i], first[i + 1]), firsts)
  }

  #planShape(shape: number, rows: Uint32Array, firsts: Uint32Array): void {
    const { headers } = this
    for (let i = 0; i < headers.length; i++) {
      const { column, codes, layouts, isWritten } = headers[i]!
      const layout = column.plan(shape, rows, rows, rows.length, codes)
      layouts.push(layout)
      isWritten.push(column.isWritten(layout))
      this.#addUse(column, shape, 1, layout)
    }
    this.#planSlots(shape, rows, firsts)
    const columns = this.#slotColumns[shape]!
    const layouts = this.#slotLayouts[shape]!
    const written: number[] = []
    for (let slot = 0; slot < columns.length; slot++) if (columns[slot]!.isWritten(layouts[slot]!)) written.push(slot)
    this.#writtenSlots.push(written)
  }

  /** `firsts`: room for the first slot of each row. */
  #planSlots(shape: number, rows: Uint32Array, firsts: Uint32Array): void {
    const columns = this.#slotColumns[shape]!
    const layouts = this.#slotLayouts[shape]!
    if (columns.length === 0) return
    const { slots, first } = this.#rows!
    for (let i = 0; i < rows.length; i++) firsts[i] = first[rows[i]!]!
    for (let slot = 0; slot < columns.length; slot++) {
      const column = columns[slot]!
      if (layouts[slot]) continue
      let values = 0
      for (let same = slot; same < columns.length; same++) if (columns[same] === column) values++
      this.#reserve(values * rows.length)
      let count = 0
      for (let same = slot; same < columns.length; same++)
        if (columns[same] === column)
          count = gather(slots, firsts, same, rows.length, this.#members, this.#places, count)
      const members = this.#members
      const layout =
        (isOne(members, count) ? column.planOne(shape, members[0]!, count) : undefined) ??
        column.plan(shape, members, this.#places, count, this.#slotCodes)
      for (let same = slot; same < columns.length; same++) if (columns[same] === column) layouts[same] = layout
      this.#addUse(column, shape, values, layout)
    }
  }

  #reserve(values: number): void {
    if (values <= this.#members.length) return
    this.#members = new Uint32Array(values)
    this.#places = new Uint32Array(values)
  }

  #addUse(column: EncodedColumn, shape: number, values: number, layout: Layout): void {
    const uses = this.uses.get(column)
    if (uses) uses.push({ shape, values, layout })
    else this.uses.set(column, [{ shape, values, layout }])
  }

  /** Writes the values of some rows to their columns. */
  write(from: number, to: number): void {
    const { shape } = this
    for (const header of this.headers) writeHeader(header, shape, from, to)
    if (this.#rows) this.#writeSlots(this.#rows, from, to)
  }

  #writeSlots({ slots, first }: LevelRows, from: number, to: number): void {
    const { shape } = this
    for (let row = from; row < to; row++) {
      const written = this.#writtenSlots[shape[row]!]!
      if (written.length === 0) continue
      const columns = this.#slotColumns[shape[row]!]!
      const layouts = this.#slotLayouts[shape[row]!]!
      const at = first[row]!
      for (let k = 0; k < written.length; k++) {
        const i = written[k]!
        columns[i]!.write(layouts[i]!, this.#slotCodes[at + i]!, slots[at + i]!)
      }
    }
  }
}

function writeHeader(
  { column, codes, layouts, isWritten }: Header,
  shape: Uint32Array,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row++) {
    const own = shape[row]!
    if (isWritten[own]) column.write(layouts[own]!, codes[row]!, row)
  }
}

function countShapes(shape: Uint32Array, from: number, to: number, first: Uint32Array): void {
  for (let row = from; row < to; row++) first[shape[row]! + 1]!++
}

function putRows(shape: Uint32Array, from: number, to: number, next: Uint32Array, order: Uint32Array): void {
  for (let row = from; row < to; row++) order[next[shape[row]!]!++] = row
}

/** Puts what some rows have in a slot, and where that is, from `at` on. Returns the next place. */
function gather(
  slots: Uint32Array,
  firsts: Uint32Array,
  slot: number,
  rows: number,
  members: Uint32Array,
  places: Uint32Array,
  at: number,
): number {
  for (let i = 0; i < rows; i++) {
    const place = firsts[i]! + slot
    places[at + i] = place
    members[at + i] = slots[place]!
  }
  return at + rows
}

/** Whether all are the same. */
function isOne(members: Uint32Array, count: number): boolean {
  const one = members[0]
  for (let i = 1; i < count; i++) if (members[i] !== one) return false
  return true
}
