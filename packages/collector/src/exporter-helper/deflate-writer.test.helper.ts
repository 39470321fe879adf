/**
 * Deflate streams whose codes are as unequal as can be, which no compressor makes: each of sixteen symbols has a code of its own length,
 * 1 to 15 bits. Source: RFC 1951, 3.2.
 */
const LENGTH_SYMBOLS = 29
const DISTANCE_SYMBOLS = 30
const END_OF_BLOCK = 256
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Extra bits of a length, by its symbol less 257, and of a distance; the first distance of each symbol. */
const lengthExtra = (i: number): number => (i < 8 || i === 28 ? 0 : (i >> 2) - 1)
const distanceExtra = (i: number): number => (i < 4 ? 0 : (i >> 1) - 1)
const distanceBase = (i: number): number => (i < 4 ? i + 1 : (2 + (i & 1)) * 2 ** distanceExtra(i) + 1)

export interface Written {
  readonly stream: Uint8Array
  readonly finalBit: number
  readonly endBit: number
}

/** `below`: a random whole number from 0 to below its argument. */
export function writeDeflate(below: (limit: number) => number, blocks: number, symbols: number): Written {
  const bits: number[] = []
  const write = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push((value >>> i) & 1)
  }
  let produced = 0
  let finalBit = 0
  for (let block = 0; block < blocks; block++) {
    finalBit = bits.length
    write(block === blocks - 1 ? 1 : 0, 1)
    write(2, 2)
    const others = draw(below, 15, 257 + LENGTH_SYMBOLS).filter((symbol) => symbol !== END_OF_BLOCK)
    const literals = createCode(shuffled(below, [END_OF_BLOCK, ...others]))
    const distances = createCode(draw(below, 16, DISTANCE_SYMBOLS))
    write(LENGTH_SYMBOLS, 5)
    write(DISTANCE_SYMBOLS - 1, 5)
    write(CODE_LENGTH_ORDER.length - 4, 4)
    for (const symbol of CODE_LENGTH_ORDER) write(symbol < 16 ? 4 : 0, 3)
    for (const [code, count] of [
      [literals, 257 + LENGTH_SYMBOLS],
      [distances, DISTANCE_SYMBOLS],
    ] as const) {
      for (let symbol = 0; symbol < count; symbol++) write(reverse(code.get(symbol)?.length ?? 0, 4), 4)
    }
    const put = (code: Code, symbol: number): void => {
      const { value, length } = code.get(symbol)!
      write(reverse(value, length), length)
    }
    const used = [...literals.keys()].filter((symbol) => symbol !== END_OF_BLOCK)
    for (let i = 0; i < symbols; i++) {
      const symbol = used[below(used.length)]!
      const reach = [...distances.keys()].filter((one) => distanceBase(one) + 2 ** distanceExtra(one) <= produced)
      if (symbol > END_OF_BLOCK && reach.length === 0) continue
      put(literals, symbol)
      produced++
      if (symbol < END_OF_BLOCK) continue
      produced += 2
      write(below(2 ** 13), lengthExtra(symbol - 257))
      const distance = reach[below(reach.length)]!
      put(distances, distance)
      write(below(2 ** 13), distanceExtra(distance))
    }
    put(literals, END_OF_BLOCK)
  }
  const endBit = bits.length
  const stream = new Uint8Array(Math.ceil(endBit / 8))
  for (const [i, bit] of bits.entries()) stream[i >>> 3]! |= bit << (i & 7)
  return { stream, finalBit, endBit }
}

type Code = ReadonlyMap<number, { readonly value: number; readonly length: number }>

/** A canonical code of lengths 1, 2, … 15, the last one twice where there are 16 symbols. */
function createCode(symbols: readonly number[]): Code {
  const code = new Map<number, { value: number; length: number }>()
  const lengths = symbols.map((symbol, i) => ({ symbol, length: Math.min(i + 1, symbols.length - 1) }))
  let value = 0
  let last = 0
  for (const { symbol, length } of lengths.toSorted((a, b) => a.length - b.length || a.symbol - b.symbol)) {
    value <<= length - last
    code.set(symbol, { value: value++, length })
    last = length
  }
  return code
}

function draw(below: (limit: number) => number, count: number, from: number): number[] {
  const drawn = new Set<number>()
  while (drawn.size < count) drawn.add(below(from))
  return [...drawn]
}

function shuffled(below: (limit: number) => number, symbols: number[]): number[] {
  for (let i = symbols.length - 1; i > 0; i--) {
    const j = below(i + 1)
    ;[symbols[i], symbols[j]] = [symbols[j]!, symbols[i]!]
  }
  return symbols
}

function reverse(value: number, bits: number): number {
  let reversed = 0
  for (let i = 0; i < bits; i++) reversed |= ((value >>> i) & 1) << (bits - 1 - i)
  return reversed
}
