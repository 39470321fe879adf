import { readBits, widthOf } from './bits.ts'
import { LEVEL, SHAPES, type ColumnName, type LevelNumber } from './column.ts'
import { ColumnReader, type CaseList, type ShapeList } from './column-reader.ts'
import type { Chunk, Head } from './head.ts'
import { Numbers } from './number-column.ts'
import type { Bits, SectionFile } from './section-file.ts'
import { StorageError } from '../../contract.ts'

/** The columns of a section by name, and what they say of rows. */
export class SectionColumns {
  readonly file: SectionFile
  readonly head: Head
  readonly #numbers = new Map<string, number>()
  readonly #readers: (ColumnReader | undefined)[] = []

  constructor(file: SectionFile) {
    this.file = file
    this.head = file.head
    for (const [i, column] of this.head.columns.entries()) this.#numbers.set(nameKey(column), i)
  }

  find(name: ColumnName): number | undefined {
    return this.#numbers.get(nameKey(name))
  }

  need(name: ColumnName): number {
    const found = this.find(name)
    if (found === undefined) throw new StorageError('corrupt', `a sealed section has no column ${nameKey(name)}`)
    return found
  }

  reader(column: number): ColumnReader {
    const known = this.#readers[column]
    if (known) return known
    const found = this.head.columns[column]
    if (!found) throw new RangeError(`column ${column} of ${this.head.columns.length}`)
    const shapes = found.level === LEVEL.trace ? 1 : this.head.levels[found.level]!.templates.length
    return (this.#readers[column] = new ColumnReader(found, shapes))
  }

  /** The shapes of a chunk's rows. */
  shapes(level: LevelNumber, chunk: Chunk): ShapeList {
    if (level === LEVEL.trace) return new Uint32Array(chunk.rows[level]!)
    return this.file.kept(
      `shapes ${level} ${chunk.offset}`,
      () => this.#loadShapes(level, chunk),
      ({ byteLength }) => byteLength + 200,
    )
  }

  #loadShapes(level: LevelNumber, chunk: Chunk): ShapeList {
    const shapes = new Uint32Array(chunk.rows[level]!)
    const count = this.head.levels[level]!.templates.length
    const width = widthOf(Math.max(0, count - 1))
    const bits = width === 0 ? undefined : this.file.bits(chunk, this.need(SHAPES[level]!))
    if (!bits) return shapes
    for (let row = 0, { at } = bits; row < shapes.length; row++, at += width) {
      const shape = readBits(bits.view, at, width)
      if (shape >= count) throw new RangeError(`shape ${shape} of ${count}`)
      shapes[row] = shape
    }
    return shapes
  }

  /** The values of rows `[from, to)` of a chunk, counted from its first. */
  cases(column: number, chunk: Chunk, from: number, to: number, bits?: Bits): CaseList {
    const reader = this.reader(column)
    const own = bits ?? this.file.bits(chunk, column)
    return reader.read(own, this.shapes(reader.column.level, chunk), from, to)
  }

  /** A number of each row in `[from, to)`, counted from the section's first. */
  numbers(name: ColumnName, from: number, to: number): Numbers {
    const column = this.need(name)
    const reader = this.reader(column)
    const numbers = new Numbers(to - from)
    for (const chunk of this.chunks(name.level, from, to)) {
      const first = chunk.first[name.level]!
      const start = Math.max(from, first)
      const end = Math.min(to, first + chunk.rows[name.level]!)
      reader.numbers(this.cases(column, chunk, start - first, end - first), numbers, start - from)
    }
    return numbers
  }

  /** Those that have some of these rows. */
  *chunks(level: LevelNumber, from: number, to: number): Generator<Chunk> {
    for (const chunk of this.head.chunks) {
      const first = chunk.first[level]!
      if (first < to && first + chunk.rows[level]! > from) yield chunk
    }
  }
}

function nameKey({ level, role, type, name }: ColumnName): string {
  return `${level} ${role} ${type} ${Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1')}`
}
