/**
 * Where a deflate stream ends, to the bit, found without inflating it: Huffman codes are walked and what they stand for is
 * stepped over. Serialized spans shrink to a seventh, so there are some 40 codes to a span, and walking them costs a third
 * of what compressing again does. Source: RFC 1951.
 */

export interface DeflateEnd {
  /** Bit of the last block's header that says that it is the last, from the stream's first bit on. */
  readonly finalBit: number
  /** The first bit behind the stream. */
  readonly endBit: number
}

/** Codes up to this many bits are found in one look; longer ones are rare by their nature. */
const FAST_BITS = 10
const FAST_SIZE = 1 << FAST_BITS
const FAST_MASK = FAST_SIZE - 1
const MAX_BITS = 15

/*
 * An entry of a fast table: bits 0-4 how many bits to step over for the code and, for a length or distance, its extra bits;
 * bits 5-6 what it is. 0: no such code, or a longer one.
 */
const LITERAL = 1 << 5
const LENGTH = 2 << 5
const END = 3 << 5
const STEP = 31

/** RFC 1951, 3.2.5: extra bits of length codes 257-285 and distance codes 0-29. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** RFC 1951, 3.2.7: the order in which the lengths of the code length codes come. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** What a symbol's fast entry is, less its code's own length. */
type EntryOf = (symbol: number) => number
const literalEntry: EntryOf = (symbol) =>
  symbol < 256 ? LITERAL : symbol === 256 ? END : LENGTH + (LENGTH_EXTRA[symbol - 257] ?? fail('length code'))
const distanceEntry: EntryOf = (symbol) => DISTANCE_EXTRA[symbol] ?? fail('distance code')
/** Code length codes: the symbol in bits 5-9. */
const symbolEntry: EntryOf = (symbol) => symbol << 5

/** A canonical Huffman code: the fast table, and counts and symbols by length for what is longer. */
interface Code {
  readonly fast: Uint16Array
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
  readonly entryOf: EntryOf
}

function createCode(entryOf: EntryOf): Code {
  return {
    fast: new Uint16Array(FAST_SIZE),
    counts: new Uint16Array(MAX_BITS + 1),
    symbols: new Uint16Array(288),
    entryOf,
  }
}

// One walk at a time: it runs to its end without a pause.
const lengths = new Uint8Array(320)
const nextCode = new Uint16Array(MAX_BITS + 2)
const offsets = new Uint16Array(MAX_BITS + 2)

/** Builds the code in which symbol i has `lengths[from + i]` bits. RFC 1951, 3.2.2. */
function fillCode(code: Code, from: number, count: number): Code {
  const { fast, counts, symbols, entryOf } = code
  counts.fill(0)
  fast.fill(0)
  for (let i = 0; i < count; i++) counts[lengths[from + i]!]!++
  counts[0] = 0
  nextCode[1] = 0
  offsets[1] = 0
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    nextCode[bits + 1] = (nextCode[bits]! + counts[bits]!) << 1
    offsets[bits + 1] = offsets[bits]! + counts[bits]!
  }
  for (let symbol = 0; symbol < count; symbol++) {
    const bits = lengths[from + symbol]!
    if (bits === 0) continue
    symbols[offsets[bits]!++] = symbol
    const value = nextCode[bits]!++
    if (bits > FAST_BITS) continue
    const entry = entryOf(symbol) + bits
    // Codes come with their first bit lowest, so the table is looked up with the bits turned round.
    for (let at = reverse(value, bits); at < FAST_SIZE; at += 1 << bits) fast[at] = entry
  }
  return code
}

function reverse(value: number, bits: number): number {
  let reversed = 0
  for (let i = 0; i < bits; i++) reversed |= ((value >>> i) & 1) << (bits - 1 - i)
  return reversed
}

const dynamicLiterals = createCode(literalEntry)
const dynamicDistances = createCode(distanceEntry)
const codeLengths = createCode(symbolEntry)

/** RFC 1951, 3.2.6. Codes that must not occur, of symbols 286, 287 and distances 30, 31, are left out. */
function fixedCodes(): [Code, Code] {
  const literals = createCode((symbol) => (symbol < 286 ? literalEntry(symbol) : 0))
  const distances = createCode((symbol) => (symbol < 30 ? distanceEntry(symbol) : 0))
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288)
  fillCode(literals, 0, 288)
  lengths.fill(5, 0, 32)
  fillCode(distances, 0, 32)
  return [literals, distances]
}
const [fixedLiterals, fixedDistances] = fixedCodes()

/** What is walked with what follows it, twice, its length in bits, and the next bit. */
let bytes: Uint8Array = new Uint8Array()
let words: DataView = new DataView(new ArrayBuffer(0))
let streamBits = 0
let bit = 0

/** At least 17 bits from the next one on, lowest first; zeros behind the end. */
function peek(): number {
  const at = bit >>> 3
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) >>> (bit & 7)
}

function take(count: number): number {
  const value = peek() & ((1 << count) - 1)
  bit += count
  return value
}

/** The entry of a code that is longer than {@link FAST_BITS}. Its own bits are taken; those that the entry says are not. */
function takeLong(code: Code): number {
  let value = 0
  let first = 0
  let index = 0
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    value |= take(1)
    const count = code.counts[bits]!
    if (value - first < count) return code.entryOf(code.symbols[index + value - first]!)
    index += count
    first = (first + count) << 1
    value <<= 1
  }
  return fail('code')
}

/** Takes one code and its extra bits; gives its entry. */
function takeCode(code: Code): number {
  const entry = code.fast[peek() & FAST_MASK]! || takeLong(code)
  bit += entry & STEP
  return entry
}

/**
 * The loop that the time goes into, with everything that it touches in local variables. A word has 25 bits from the next one on: the
 * codes of two literals, or of a length with its extra bits and of its distance.
 */
function walkCodes(literals: Code, distances: Code): void {
  const input = words
  const literalTable = literals.fast
  const distanceTable = distances.fast
  const limit = streamBits
  let at = bit
  while (at < limit) {
    let ahead = input.getUint32(at >>> 3, true) >>> (at & 7)
    let entry = literalTable[ahead & FAST_MASK]!
    if (entry !== 0 && entry < LENGTH) {
      at += entry & STEP
      ahead >>>= entry & STEP
      entry = literalTable[ahead & FAST_MASK]!
      if (entry !== 0 && entry < LENGTH) {
        at += entry & STEP
        continue
      }
      ahead = input.getUint32(at >>> 3, true) >>> (at & 7)
    }
    if (entry === 0) {
      bit = at
      entry = takeLong(literals)
      at = bit
      ahead = input.getUint32(at >>> 3, true) >>> (at & 7)
    }
    at += entry & STEP
    if (entry < LENGTH) continue
    if (entry >= END) {
      bit = at
      return
    }
    ahead >>>= entry & STEP
    let distance = distanceTable[ahead & FAST_MASK]!
    if (distance === 0) {
      bit = at
      distance = takeLong(distances)
      at = bit
    }
    at += distance & STEP
  }
  fail('end')
}

function readDynamicCodes(): void {
  const literalCount = take(5) + 257
  const distanceCount = take(5) + 1
  const count = take(4) + 4
  lengths.fill(0, 0, 19)
  for (let i = 0; i < count; i++) lengths[CODE_LENGTH_ORDER[i]!] = take(3)
  fillCode(codeLengths, 0, 19)
  const total = literalCount + distanceCount
  let i = 0
  while (i < total) {
    const symbol = takeCode(codeLengths) >>> 5
    if (symbol < 16) {
      lengths[i++] = symbol
      continue
    }
    if (symbol === 16 && i === 0) fail('code lengths')
    const repeated = symbol === 16 ? lengths[i - 1]! : 0
    const times = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7)
    if (i + times > total) fail('code lengths')
    lengths.fill(repeated, i, i + times)
    i += times
  }
  fillCode(dynamicLiterals, 0, literalCount)
  fillCode(dynamicDistances, literalCount, distanceCount)
}

function skipStored(): void {
  bit = (bit + 7) & ~7
  bit += (4 + (peek() & 0xffff)) * 8
}

/**
 * Finds the end of the deflate stream that begins with the first byte and has at most `maxLength` bytes. Eight more must be behind it, as
 * a gzip trailer is. Throws RangeError when they are not, when it is not a stream, as far as walking its codes shows, or does not end in
 * time.
 */
export function findDeflateEnd(stream: Uint8Array, maxLength: number): DeflateEnd {
  bytes = stream
  words = new DataView(stream.buffer, stream.byteOffset, stream.length)
  streamBits = maxLength * 8
  bit = 0
  while (bit < streamBits) {
    const finalBit = bit
    const isFinal = take(1) === 1
    const type = take(2)
    if (type === 0) skipStored()
    else if (type === 1) walkCodes(fixedLiterals, fixedDistances)
    else if (type === 2) {
      readDynamicCodes()
      walkCodes(dynamicLiterals, dynamicDistances)
    } else fail('block type')
    if (isFinal && bit <= streamBits) return { finalBit, endBit: bit }
  }
  return fail('end')
}

function fail(what: string): never {
  throw new RangeError(`not a deflate stream: bad ${what} at byte ${bit >>> 3}`)
}
