import type { Block } from './block.ts'

/** What a question and what a block of it take beside the rows, about, in bytes. */
const QUESTION_BYTES = 500
const BLOCK_BYTES = 64
/** Of all bytes one question has so many at the most: others are asked again, too. */
const QUESTION_SHARE = 1 / 2
/** Characters of a question that is kept. */
const MAX_KEY = 2_000

/** Nothing of the block matches. */
export const NO_HITS: unique symbol = Symbol('no hits')
/** Numbers of rows, ascending; or, where they are many, a bit for each row. */
type Rows = Uint16Array | Uint32Array | Uint8Array | typeof NO_HITS

interface Question {
  /** By the numbers of the blocks. */
  readonly rows: Map<number, Rows>
  bytes: number
  /** Others needed the room; a query may still be at work on it. */
  isGone: boolean
}

/**
 * Which rows of whole blocks a condition has found, kept by the condition's text, in a bounded number of bytes: blocks do not change, so that who asks again has only
 * those looked into that have come meanwhile. What nobody has asked for longest goes first.
 */
export class KeptHits {
  readonly #maxBytes: number
  /** Blocks are not held: most of what is sealed or deleted is gone before its question is asked again. */
  readonly #numbers = new WeakMap<Block, number>()
  #next = 0
  /** The one that was asked last is the last one. */
  readonly #questions = new Map<string, Question>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are kept, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is kept of a question's answers. `key`: says all that they depend on beside the block. `blocks`: all that there are now. Undefined: nothing is kept of it. */
  begin(key: string, blocks: readonly Block[]): Hits | undefined {
    const bytes = QUESTION_BYTES + 2 * key.length
    if (key.length > MAX_KEY || bytes > QUESTION_SHARE * this.#maxBytes) return undefined
    let question = this.#questions.get(key)
    if (question) {
      this.#questions.delete(key)
      this.#forgetGone(question, blocks)
    } else {
      question = { rows: new Map(), bytes, isGone: false }
      this.#bytes += bytes
    }
    this.#questions.set(key, question)
    this.#makeRoom()
    return new Hits(this, question)
  }

  find({ rows }: Question, block: Block): Rows | undefined {
    const number = this.#numbers.get(block)
    return number === undefined ? undefined : rows.get(number)
  }

  keep(question: Question, block: Block, rows: Rows): void {
    const bytes = bytesOf(rows)
    if (question.isGone || question.bytes + bytes > QUESTION_SHARE * this.#maxBytes) return
    let number = this.#numbers.get(block)
    if (number === undefined) this.#numbers.set(block, (number = this.#next++))
    if (question.rows.has(number)) return
    question.rows.set(number, rows)
    question.bytes += bytes
    this.#bytes += bytes
    this.#makeRoom()
  }

  #forgetGone(question: Question, blocks: readonly Block[]): void {
    const there = new Set(blocks.map((block) => this.#numbers.get(block)))
    for (const [number, rows] of question.rows) {
      if (there.has(number)) continue
      question.rows.delete(number)
      question.bytes -= bytesOf(rows)
      this.#bytes -= bytesOf(rows)
    }
  }

  #makeRoom(): void {
    for (const [key, question] of this.#questions) {
      if (this.#bytes <= this.#maxBytes) return
      this.#questions.delete(key)
      this.#bytes -= question.bytes
      question.isGone = true
    }
  }
}

function bytesOf(rows: Rows): number {
  return BLOCK_BYTES + (rows === NO_HITS ? 0 : rows.byteLength)
}

/** What is kept of one question, for one query. */
export class Hits {
  readonly #kept: KeptHits
  readonly #question: Question

  constructor(kept: KeptHits, question: Question) {
    this.#kept = kept
    this.#question = question
  }

  /** The rows of a block that were found, ascending; undefined: that is not known. */
  find(block: Block): Uint32Array | typeof NO_HITS | undefined {
    const rows = this.#kept.find(this.#question, block)
    return rows === undefined || rows === NO_HITS ? rows : rowNumbers(rows)
  }

  /** `matching`: 1 for each row that was found; undefined: there is none. It has to be all that there is to find, of all rows of the block. */
  keep(block: Block, matching: Uint8Array | undefined): void {
    if (!block.growsIn) this.#kept.keep(this.#question, block, matching ? packed(matching) : NO_HITS)
  }
}

function packed(matching: Uint8Array): Rows {
  let count = 0
  for (let row = 0; row < matching.length; row++) count += matching[row]!
  const isShort = matching.length <= 1 << 16
  if (count * (isShort ? 2 : 4) <= matching.length >> 3) {
    const rows = isShort ? new Uint16Array(count) : new Uint32Array(count)
    for (let row = 0, at = 0; at < count; row++) if (matching[row]) rows[at++] = row
    return rows
  }
  const bits = new Uint8Array((matching.length + 7) >> 3)
  for (let row = 0; row < matching.length; row++) if (matching[row]) bits[row >> 3]! |= 1 << (row & 7)
  return bits
}

function rowNumbers(rows: Uint16Array | Uint32Array | Uint8Array): Uint32Array {
  if (!(rows instanceof Uint8Array)) return Uint32Array.from(rows)
  const numbers = new Uint32Array(8 * rows.length)
  let count = 0
  for (let i = 0; i < rows.length; i++) {
    for (let bits = rows[i]!, row = 8 * i; bits !== 0; bits >>= 1, row++) if (bits & 1) numbers[count++] = row
  }
  return numbers.subarray(0, count)
}
