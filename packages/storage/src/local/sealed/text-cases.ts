import { hashBytes, viewOf } from '../block/hash.ts'
import { BitWriter, PADDING, readBits, widthOf } from './bits.ts'
import { ANY, LEVEL, ROLE, type ColumnName } from './column.ts'
import type { Entries } from './entries.ts'
import {
  createFoundPattern,
  decimalAt,
  findPattern,
  HOLE,
  MAX_PATTERN,
  nibbleAt,
  type FoundPattern,
} from './pattern.ts'

/** A pattern that is a case: its values have a rest, the numbers in its holes. */
export interface Pattern {
  readonly bytes: Uint8Array
  readonly holes: readonly Hole[]
  /** Bits of the rest. */
  width: number
}

export interface Hole {
  readonly kind: number
  readonly digits: number
  /** Of a decimal hole: what is added to the bits. */
  min: number
  /** Bits of it. */
  width: number
  /** Of its first character in the text: all before it has the same length in every text. */
  offset: number
}

/** What becomes of the values of a column of texts. */
export interface TextCases {
  readonly patterns: readonly Pattern[]
  /** Entries that are cases of their own, without a rest. They come after the patterns. */
  readonly texts: Uint32Array
}

/** Distinct values of a column beyond which it may have patterns. */
const MIN_ENTRIES = 48
/** Patterns of one column, at most, and those that are looked for. */
const MAX_PATTERNS = 64
const MAX_CANDIDATES = 512
/** Bytes of an id. */
const MAX_ID = 16
/** Bits that a text costs in a dictionary besides its holes. */
const TEXT_BITS = 20

interface Candidate {
  readonly bytes: Uint8Array
  readonly kinds: Uint8Array
  readonly digits: Uint8Array
  readonly min: Float64Array
  readonly max: Float64Array
  entries: number
  uses: number
}

/** Where the text of an entry begins: after the tag and length of an `AnyValue`. */
export function textStart({ role, type }: ColumnName, bytes: Uint8Array, start: number): number {
  if (role !== ROLE.attribute || (type !== ANY.string && type !== ANY.bytes)) return start
  let p = start + 1
  while (bytes[p++]! > 127);
  return p
}

/** Decides which texts are patterns with numbers and which are cases of their own, and writes the rests of the former. */
export class TextCoder {
  /** By entry: its case in its column. */
  readonly entryCase: Uint32Array
  /** By entry: the first bit of its rest. */
  readonly entryRest: Uint32Array
  readonly #entries: Entries
  readonly #writer = new BitWriter()
  readonly #found = createFoundPattern()
  #rests = viewOf(new Uint8Array())

  constructor(entries: Entries) {
    this.#entries = entries
    this.entryCase = new Uint32Array(entries.count)
    this.entryRest = new Uint32Array(entries.count)
  }

  /** `members`: the entries of the column. */
  code(name: ColumnName, members: Uint32Array): TextCases {
    const chosen = members.length < MIN_ENTRIES ? undefined : (this.#ids(name, members) ?? this.#choose(name, members))
    const texts = new Uint32Array(members.length)
    let count = 0
    const patterns = chosen?.patterns ?? []
    for (let i = 0; i < members.length; i++) {
      const entry = members[i]!
      const number = chosen ? chosen.of[i]! : -1
      if (number < 0) {
        this.entryCase[entry] = patterns.length + count
        texts[count++] = entry
      } else {
        this.entryCase[entry] = number
        this.#writeRest(name, entry, patterns[number]!)
      }
    }
    return { patterns, texts: texts.slice(0, count) }
  }

  /** To be called when all columns are coded, before {@link copyRest}. */
  finish(): void {
    const bytes = this.#writer.take()
    const padded = new Uint8Array(bytes.length + PADDING)
    padded.set(bytes)
    this.#rests = viewOf(padded)
  }

  copyRest(entry: number, width: number, writer: BitWriter): void {
    const from = this.entryRest[entry]!
    for (let at = 0; at < width; at += 32) {
      const bits = Math.min(32, width - at)
      writer.write(readBits(this.#rests, from + at, bits), bits)
    }
  }

  /** Ids of links are bytes, of one length and nearly all different. */
  #ids({ role, level }: ColumnName, members: Uint32Array): { patterns: Pattern[]; of: Int32Array } | undefined {
    if (role !== ROLE.field || level !== LEVEL.link) return undefined
    const length = this.#entries.end(members[0]!) - this.#entries.start(members[0]!)
    let total = 0
    for (const entry of members) {
      if (this.#entries.end(entry) - this.#entries.start(entry) !== length) return undefined
      total += this.#entries.uses(entry)
    }
    if (length === 0 || length > MAX_ID || 2 * members.length < total) return undefined
    const hole = { kind: HOLE.bytes, digits: length, min: 0, width: 8 * length, offset: 0 }
    return {
      patterns: [{ bytes: Uint8Array.of(0, hole.kind, length), holes: [hole], width: hole.width }],
      of: new Int32Array(members.length),
    }
  }

  /** The patterns that pay, and by member which it has, or -1. */
  #choose(name: ColumnName, members: Uint32Array): { patterns: Pattern[]; of: Int32Array } | undefined {
    const { bytes } = this.#entries
    const found = this.#found
    const candidates: Candidate[] = []
    const numbers = new Map<number, number>()
    const foundView = viewOf(found.bytes)
    const of = new Int32Array(members.length)
    for (let i = 0; i < members.length; i++) {
      const entry = members[i]!
      const from = textStart(name, bytes, this.#entries.start(entry))
      const to = this.#entries.end(entry)
      of[i] = -1
      if (to - from > MAX_PATTERN) continue
      findPattern(bytes, from, to, found)
      if (found.holes === 0) continue
      // Of two patterns with one hash the later one is none.
      const hash = hashBytes(foundView, 0, found.length)
      let number = numbers.get(hash)
      if (number !== undefined && !isSame(candidates[number]!.bytes, found)) continue
      if (number === undefined) {
        // What has nearly as many patterns as texts has none.
        if (candidates.length === MAX_CANDIDATES) {
          if (4 * candidates.length > i) return undefined
          continue
        }
        numbers.set(hash, (number = candidates.length))
        candidates.push({
          bytes: found.bytes.slice(0, found.length),
          kinds: found.kind.slice(0, found.holes),
          digits: found.digits.slice(0, found.holes),
          min: new Float64Array(found.holes).fill(Infinity),
          max: new Float64Array(found.holes).fill(-Infinity),
          entries: 0,
          uses: 0,
        })
      }
      const candidate = candidates[number]!
      of[i] = number
      candidate.entries++
      candidate.uses += this.#entries.uses(entry)
      for (let k = 0; k < found.holes; k++) {
        if (found.kind[k] !== HOLE.decimal) continue
        const value = decimalAt(bytes, found.at[k]!, found.digits[k]!)
        if (value < candidate.min[k]!) candidate.min[k] = value
        if (value > candidate.max[k]!) candidate.max[k] = value
      }
    }
    return select(candidates, of)
  }

  #writeRest(name: ColumnName, entry: number, pattern: Pattern): void {
    const { bytes } = this.#entries
    const writer = this.#writer
    if (pattern.holes[0]!.kind === HOLE.bytes) {
      this.entryRest[entry] = writer.bits
      for (let p = this.#entries.start(entry); p < this.#entries.end(entry); p++) writer.write(bytes[p]!, 8)
      return
    }
    const start = textStart(name, bytes, this.#entries.start(entry))
    this.entryRest[entry] = writer.bits
    const { holes } = pattern
    for (let i = 0; i < holes.length; i++) {
      const { kind, digits, min, width, offset } = holes[i]!
      if (kind === HOLE.decimal) writer.writeNumber(decimalAt(bytes, start + offset, digits) - min, width)
      else for (let k = 0; k < digits; k++) writer.write(nibbleAt(bytes, start + offset + k), 4)
    }
  }
}

/** Those that take less bits as patterns than as a dictionary of texts. */
function select(candidates: readonly Candidate[], of: Int32Array): { patterns: Pattern[]; of: Int32Array } | undefined {
  const patterns: Pattern[] = []
  const chosen = new Int32Array(candidates.length).fill(-1)
  const order = candidates.map((_, i) => i).sort((a, b) => candidates[b]!.uses - candidates[a]!.uses)
  for (const i of order) {
    if (patterns.length === MAX_PATTERNS) break
    const candidate = candidates[i]!
    const { entries, uses, bytes } = candidate
    const holes = holesOf(candidate)
    const width = holes.reduce((sum, hole) => sum + hole.width, 0)
    if (uses * width + 8 * bytes.length >= entries * (width + TEXT_BITS) + uses * widthOf(entries)) continue
    chosen[i] = patterns.push({ bytes, holes, width }) - 1
  }
  if (patterns.length === 0) return undefined
  for (let i = 0; i < of.length; i++) if (of[i]! >= 0) of[i] = chosen[of[i]!]!
  return { patterns, of }
}

function holesOf({ bytes, kinds, digits, min, max }: Candidate): Hole[] {
  const holes: Hole[] = []
  let offset = 0
  for (let p = 0; p < bytes.length;) {
    if (bytes[p] !== 0) {
      p++
      offset++
      continue
    }
    const i = holes.length
    const [kind, count] = [kinds[i]!, digits[i]!]
    holes.push(
      kind === HOLE.decimal
        ? { kind, digits: count, min: min[i]!, width: widthOf(max[i]! - min[i]!), offset }
        : { kind, digits: count, min: 0, width: 4 * count, offset },
    )
    offset += count
    p += 3
  }
  return holes
}

function isSame(pattern: Uint8Array, { bytes, length }: FoundPattern): boolean {
  if (pattern.length !== length) return false
  for (let i = 0; i < length; i++) if (pattern[i] !== bytes[i]) return false
  return true
}
