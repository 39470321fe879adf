import type { EncodedColumn, Layout } from './encoded-column.ts'
import type { LevelRows } from './level-rows.ts'

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
    for (let row = 0; row < count; row++) first[shape[row]! + 1]!++
    for (let i = 0; i < shapes; i++) first[i + 1]! += first[i]!
    const next = first.slice()
    const order = new Uint32Array(count)
    for (let row = 0; row < count; row++) order[next[shape[row]!]!++] = row
    let most = 0
    for (let i = 0; i < shapes; i++) most = Math.max(most, (first[i + 1]! - first[i]!) * manyOf(this.#slotColumns[i]!))
    const scratch = { members: new Uint32Array(most), places: new Uint32Array(most), firsts: new Uint32Array(count) }
    for (let i = 0; i < shapes; i++) {
      const rows = order.subarray(first[i], first[i + 1])
      for (const { column, codes, layouts, isWritten } of this.headers) {
        const layout = column.plan(i, rows, rows, rows.length, codes)
        layouts.push(layout)
        isWritten.push(column.isWritten(layout))
        this.#addUse(column, i, 1, layout)
      }
      this.#planSlots(i, rows, scratch)
      const columns = this.#slotColumns[i]!
      this.#writtenSlots.push(
        Array.from(columns.keys()).filter((slot) => columns[slot]!.isWritten(this.#slotLayouts[i]![slot]!)),
      )
    }
  }

  #planSlots(shape: number, rows: Uint32Array, { members, places, firsts }: Scratch): void {
    const columns = this.#slotColumns[shape]!
    const layouts = this.#slotLayouts[shape]!
    if (columns.length === 0) return
    const { slots, first } = this.#rows!
    for (let i = 0; i < rows.length; i++) firsts[i] = first[rows[i]!]!
    for (let slot = 0; slot < columns.length; slot++) {
      const column = columns[slot]!
      if (layouts[slot]) continue
      let count = 0
      let values = 0
      let isOne = true
      for (let same = slot; same < columns.length; same++) {
        if (columns[same] !== column) continue
        values++
        for (let i = 0; i < rows.length; i++) {
          const place = firsts[i]! + same
          const member = slots[place]!
          if (count > 0 && member !== members[0]) isOne = false
          places[count] = place
          members[count++] = member
        }
      }
      const layout =
        (isOne ? column.planOne(shape, members[0]!, count) : undefined) ??
        column.plan(shape, members, places, count, this.#slotCodes)
      for (let same = slot; same < columns.length; same++) if (columns[same] === column) layouts[same] = layout
      this.#addUse(column, shape, values, layout)
    }
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

/** Memory that is used for one shape after the other. */
interface Scratch {
  /** Of one column: its values' entries, and where their codes belong. */
  readonly members: Uint32Array
  readonly places: Uint32Array
  /** Of each row: its first slot. */
  readonly firsts: Uint32Array
}

/** The most values that a row has in one column. */
function manyOf(columns: readonly EncodedColumn[]): number {
  const counts = new Map<EncodedColumn, number>()
  let most = 0
  for (const column of columns) {
    const count = (counts.get(column) ?? 0) + 1
    counts.set(column, count)
    most = Math.max(most, count)
  }
  return most
}
