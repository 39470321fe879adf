import { StorageError } from '../../contract.ts'
import type { OperationKey } from '../block/rows.ts'
import { readBits, widthOf } from './bits.ts'
import { LEVEL, SHAPES, type ColumnName, type LevelNumber } from './column.ts'
import { ColumnReader, type CaseList, type ShapeList } from './column-reader.ts'
import type { Chunk, Head } from './head.ts'
import { Numbers } from './number-column.ts'
import { ShapeSteps } from './shape-steps.ts'
import { NO_BITS, type SectionFile } from './section-file.ts'

/** The columns of a section, and what they say of rows. */
export class SectionColumns {
  readonly file: SectionFile
  readonly head: Head
  readonly steps: ShapeSteps
  readonly #readers: (ColumnReader | undefined)[] = []
  #operations: OperationKey[] | undefined

  /** `stepBytes`: of {@link steps} that are kept. */
  constructor(file: SectionFile, stepBytes: number) {
    this.file = file
    this.steps = new ShapeSteps(this, stepBytes)
    this.head = file.head
  }

  get operations(): OperationKey[] {
    return (this.#operations ??= this.head.operations)
  }

  /** The number of a column; undefined: the section does not have it. */
  find({ level, role, type, name }: ColumnName): number | undefined {
    const { columns } = this.head
    for (let i = 0; i < columns.length; i++) {
      const one = columns[i]!
      if (one.role === role && one.level === level && one.type === type && isEqual(one.name, name)) return i
    }
    return undefined
  }

  /** The same of one that every section has. */
  need(name: ColumnName): number {
    const found = this.find(name)
    if (found === undefined) throw new StorageError('corrupt', `a sealed section has no column ${nameOf(name)}`)
    return found
  }

  reader(column: number): ColumnReader {
    const known = this.#readers[column]
    if (known) return known
    const found = this.head.column(column)
    const shapes = found.level === LEVEL.trace ? 1 : this.head.levels[found.level]!.templates.length
    return (this.#readers[column] = new ColumnReader(found, shapes))
  }

  /** The shapes of a chunk's rows. */
  shapes(level: LevelNumber, chunk: Chunk): ShapeList {
    if (level === LEVEL.trace) return new Uint32Array(chunk.rows[level]!)
    return this.file.kept(
      -1 - LEVEL.trace * chunk.offset - level,
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
    const { view } = bits
    for (let row = 0, { at } = bits; row < shapes.length; row++, at += width) {
      const shape = readBits(view, at, width)
      if (shape >= count) throw new RangeError(`shape ${shape} of ${count}`)
      shapes[row] = shape
    }
    return shapes
  }

  /** The values of rows `[from, to)` of a chunk, counted from its first; see {@link ColumnReader.read}. */
  cases(column: number, chunk: Chunk, from: number, to: number, varying = false): CaseList {
    const reader = this.reader(column)
    return reader.read(
      this.file.bits(chunk, column) ?? NO_BITS,
      this.shapes(reader.column.level, chunk),
      from,
      to,
      varying,
    )
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
      const shapes = this.shapes(name.level, chunk)
      reader.readNumbers(
        this.file.bits(chunk, column) ?? NO_BITS,
        shapes,
        start - first,
        end - first,
        numbers,
        start - from,
      )
    }
    return numbers
  }

  /** Those that have some of these rows. */
  chunks(level: LevelNumber, from: number, to: number): Chunk[] {
    return this.head.chunks.filter(({ first, rows }) => first[level]! < to && first[level]! + rows[level]! > from)
  }
}

function nameOf({ level, role, type, name }: ColumnName): string {
  return `${level} ${role} ${type} ${Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1')}`
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
