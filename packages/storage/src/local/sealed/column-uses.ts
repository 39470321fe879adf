import { ByteReader, ByteWriter } from './bytes.ts'

/** How the rows of a shape have a column. */
export interface ShapeUse {
  readonly shape: number
  /** Values of a row. */
  readonly values: number
  /** What the codes stand for, ascending; undefined: the column's default cases. */
  readonly cases: Uint32Array | undefined
}

/** Shapes ascending. */
export function writeUses(uses: readonly ShapeUse[]): Uint8Array {
  const out = new ByteWriter()
  out.number(uses.length)
  let last = 0
  for (const { shape, values, cases } of uses) {
    out.number(shape - last)
    out.number(2 * values + (cases ? 1 : 0))
    last = shape
    if (!cases) continue
    out.number(cases.length)
    let before = 0
    for (const one of cases) {
      out.number(one - before)
      before = one
    }
  }
  return out.take()
}

/** The same in flat arrays: by shape the number of its use, and by that what it is. Use 0: the shape does not have the column. */
export class Uses {
  readonly of: Uint16Array | Uint32Array
  readonly count: number
  /** Values of a row. */
  readonly values: Uint16Array
  /** Where the cases of a use begin in {@link lists}; -1: they are the default ones. */
  readonly listAt: Int32Array
  /** How many cases its list has. */
  readonly listLength: Uint32Array
  readonly lists: Uint32Array

  /** Throws RangeError where the bytes are not those of a column of so many shapes and cases. */
  constructor(bytes: Uint8Array, shapes: number, cases: number) {
    const input = new ByteReader(bytes)
    const count = input.count()
    if (count > shapes) throw new RangeError(`${count} uses by ${shapes} shapes`)
    this.of = count < 2 ** 16 ? new Uint16Array(shapes) : new Uint32Array(shapes)
    this.count = count + 1
    this.values = new Uint16Array(count + 1)
    this.listAt = new Int32Array(count + 1).fill(-1)
    this.listLength = new Uint32Array(count + 1)
    this.lists = new Uint32Array(bytes.length)
    let end = 0
    let shape = 0
    for (let use = 1; use <= count; use++) {
      shape += input.number()
      const values = input.number()
      if (shape >= shapes || values >= 2 ** 17) throw new RangeError(`shape ${shape} of ${shapes}`)
      this.of[shape] = use
      this.values[use] = values >>> 1
      if (values % 2 === 0) continue
      const length = input.count()
      this.listAt[use] = end
      this.listLength[use] = length
      for (let i = 0, one = 0; i < length; i++) {
        one += input.number()
        if (one >= cases) throw new RangeError(`case ${one} of ${cases}`)
        this.lists[end++] = one
      }
    }
  }
}
