import { BackWriter } from './back-writer.ts'
import type { LevelNumber } from './column.ts'
import { NO_BITS } from './section-file.ts'
import type { SectionColumns } from './section-columns.ts'
import { OP, type Op, type OpKind } from './template.ts'
import { ValueWriter } from './value-writer.ts'

/** What is written of a message in one go: an op, or several whose bytes are the same in all messages of a shape. */
export interface Step {
  readonly kind: OpKind
  readonly tag: number
  readonly bytes: Uint8Array
  /** Of a value or run that differs from row to row; -1: there is none. */
  readonly column: number
  /** Of a run that does not. */
  readonly length: number
}

const FIXED: Step = { kind: OP.bytes, tag: 0, bytes: new Uint8Array(), column: -1, length: 0 }

/** Of a step besides its bytes, about. */
const STEP_BYTES = 64

/** All of a thread write with it, one after the other. */
const out = new BackWriter()

/** How messages are put together, by their shape. */
export class ShapeSteps {
  readonly #columns: SectionColumns
  readonly #maxBytes: number
  readonly #writers: (ValueWriter | undefined)[] = []
  #kept = new Map<number, readonly Step[]>()
  #bytes = 0

  /** `maxBytes`: of steps that are kept, about. */
  constructor(columns: SectionColumns, maxBytes: number) {
    this.#columns = columns
    this.#maxBytes = maxBytes
  }

  of(level: LevelNumber, shape: number): readonly Step[] {
    const key = 8 * shape + level
    const known = this.#kept.get(key)
    if (known) return known
    const steps = this.#load(level, shape)
    if (this.#bytes > this.#maxBytes) {
      this.#kept = new Map()
      this.#bytes = 0
    }
    this.#kept.set(key, steps)
    for (const { bytes } of steps) this.#bytes += bytes.length + STEP_BYTES
    return steps
  }

  #load(level: LevelNumber, shape: number): Step[] {
    const { head } = this.#columns
    const ops = head.template(head.levels[level]!.templates[shape]!)
    const isFixed = this.#fixed(ops, shape)
    const steps: Step[] = []
    for (let i = 0; i < ops.length; i++) {
      const start = i
      while (isFixed[i]) i++
      if (i > start) steps.push({ ...FIXED, bytes: this.#fixedBytes(ops.slice(start, i), shape) })
      if (i < ops.length) steps.push(this.#step(ops[i]!, shape))
    }
    return steps
  }

  /** Which ops have the same bytes in all rows of a shape. */
  #fixed(ops: readonly Op[], shape: number): boolean[] {
    const isFixed = ops.map(({ kind, column }) => {
      if (kind === OP.value) return this.#columns.reader(column).constantOf(shape) >= 0
      return kind === OP.bytes || kind === OP.name
    })
    for (let open = 0; open < ops.length; open++) {
      if (ops[open]!.kind !== OP.open) continue
      let close = open + 1
      while (isFixed[close]) close++
      if (ops[close]?.kind === OP.close) isFixed[open] = isFixed[close] = true
    }
    return isFixed
  }

  #fixedBytes(ops: readonly Op[], shape: number): Uint8Array {
    const { head } = this.#columns
    out.clear()
    let close = 0
    for (const { kind, tag, bytes, column } of ops.toReversed()) {
      const { length } = out
      if (kind === OP.bytes) out.range(bytes)
      else if (kind === OP.close) close = length
      else if (kind === OP.value)
        this.#writer(column).write(tag, this.#columns.reader(column).constantOf(shape), NO_BITS, 0)
      else {
        // A name, or what a nested message begins with.
        if (kind === OP.name) out.range(head.names[head.operationOf[shape]!]!)
        out.varint(out.length - (kind === OP.name ? length : close))
        out.varint(tag)
      }
    }
    return out.take()
  }

  #step({ kind, tag, column }: Op, shape: number): Step {
    if (kind !== OP.value && kind !== OP.run) return { ...FIXED, kind, tag }
    const constant = this.#columns.reader(column).constantOf(shape)
    if (constant < 0) return { ...FIXED, kind, tag, column }
    return { ...FIXED, kind, tag, length: this.#writer(column).number(constant, NO_BITS, 0) }
  }

  #writer(number: number): ValueWriter {
    const { column } = this.#columns.reader(number)
    return (this.#writers[number] ??= new ValueWriter(this.#columns.file, column, out))
  }
}
