import { ByteReader, ByteWriter } from './bytes.ts'

/** How the rows of a shape have a column. */
export interface ShapeUse {
  readonly shape: number
  /** Values of a row. */
  readonly values: number
  /** `cases`: what the codes stand for, ascending; undefined: the column's default cases. */
  readonly layout: { readonly cases: Uint32Array | undefined }
}

/** Shapes ascending. */
export function writeUses(uses: readonly ShapeUse[]): Uint8Array {
  const out = new ByteWriter()
  out.number(uses.length)
  let last = 0
  for (let i = 0; i < uses.length; i++) {
    const { shape, values, layout } = uses[i]!
    const { cases } = layout
    out.number(shape - last)
    out.number(2 * values + (cases ? 1 : 0))
    last = shape
    if (cases) writeAscending(out, cases)
  }
  return out.take()
}

function writeAscending(out: ByteWriter, numbers: Uint32Array): void {
  out.number(numbers.length)
  let before = 0
  for (let i = 0; i < numbers.length; i++) {
    out.number(numbers[i]! - before)
    before = numbers[i]!
  }
}

/**
 * The same in flat arrays: by shape the number of its use, and by that what it is. Use 0: the shape does not have the column. All of it is in one piece of
 * memory: a section has hundreds of columns, and to get pieces takes longer than to fill them.
 */
export class Uses {
  readonly of: Uint8Array | Uint16Array | Uint32Array
  readonly count: number
  /** Values of a row. */
  readonly values: Uint16Array
  /** Where the cases of a use begin in {@link lists}; -1: they are the default ones. */
  readonly listAt: Int32Array
  /** How many cases its list has. */
  readonly listLength: Uint32Array
  readonly lists: Uint16Array | Uint32Array
  /** For whoever reads the column: bits of a code, and bits of all that a row has, or -1 when rows differ. */
  readonly width: Uint8Array
  readonly rowBits: Int32Array
  readonly byteLength: number

  /** Throws RangeError where the bytes are not those of a column of so many shapes and cases. */
  constructor(bytes: Uint8Array, shapes: number, cases: number) {
    const input = new ByteReader(bytes)
    const count = input.count()
    if (count > shapes) throw new RangeError(`${count} uses by ${shapes} shapes`)
    const uses = count + 1
    this.count = uses
    const caseBytes = cases <= 2 ** 16 ? 2 : 4
    const shapeBytes = uses <= 2 ** 8 ? 1 : uses <= 2 ** 16 ? 2 : 4
    // Each case in a list takes at least a byte. The widest first, so that each starts where its numbers may.
    const listRoom = bytes.length - input.at
    const memory = new ArrayBuffer(15 * uses + caseBytes * listRoom + shapeBytes * shapes + 8)
    let at = 0
    const place = (size: number, width: number): number => {
      const start = Math.ceil(at / width) * width
      at = start + size
      return start
    }
    this.listAt = new Int32Array(memory, place(4 * uses, 4), uses).fill(-1)
    this.listLength = new Uint32Array(memory, place(4 * uses, 4), uses)
    this.rowBits = new Int32Array(memory, place(4 * uses, 4), uses)
    this.lists = numbersIn(memory, place(caseBytes * listRoom, caseBytes), listRoom, caseBytes)
    this.values = new Uint16Array(memory, place(2 * uses, 2), uses)
    this.of = numbersIn(memory, place(shapeBytes * shapes, shapeBytes), shapes, shapeBytes)
    this.width = new Uint8Array(memory, place(uses, 1), uses)
    this.byteLength = memory.byteLength
    this.#read(input, shapes, cases)
  }

  #read(input: ByteReader, shapes: number, cases: number): void {
    const { of, values, listAt, listLength, lists, count } = this
    let end = 0
    let shape = 0
    for (let use = 1; use < count; use++) {
      shape += input.number()
      const number = input.number()
      if (shape >= shapes || number >= 2 ** 17) throw new RangeError(`shape ${shape} of ${shapes}`)
      of[shape] = use
      values[use] = number >>> 1
      if (number % 2 === 0) continue
      const length = input.count()
      listAt[use] = end
      listLength[use] = length
      for (let i = 0, one = 0; i < length; i++) {
        one += input.number()
        if (one >= cases) throw new RangeError(`case ${one} of ${cases}`)
        lists[end++] = one
      }
    }
  }
}

function numbersIn<T extends 1 | 2 | 4>(
  memory: ArrayBuffer,
  at: number,
  length: number,
  width: T,
): T extends 1 ? Uint8Array : T extends 2 ? Uint16Array : Uint32Array {
  const numbers = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array
  return new numbers(memory, at, length) as ReturnType<typeof numbersIn<T>>
}
