import { pairHashes, type Value } from '../../block/attribute.ts'
import { traceIndex, type BlockRows, type OperationKey } from '../../block/rows.ts'
import { traceHash, type Block } from '../block.ts'
import type { SpanView } from '../span-view.ts'
import { traceWords } from '../trace-parts.ts'
import type { Turn } from '../turn.ts'
import { CHUNK, type Condition } from './condition.ts'
import { badQuery, type Matcher } from './matcher.ts'
import { ValueMemo } from './value-memo.ts'
import { columnVerdicts } from './values.ts'
import { combined, NO, UNKNOWN, YES, type Verdict, type Verdicts } from './verdict.ts'

/** Characters of a word. */
const MAX_WORD = 1_000
/** Dearer than a condition on one attribute. */
const UNITS = 1_000

/** See `word` in the contract. */
export function wordCondition(word: unknown, path: string, turn: Turn): Condition {
  if (typeof word !== 'string' || word === '') throw badQuery(path, 'needs value, a text that is not empty')
  if (word.length > MAX_WORD)
    throw badQuery(path, `the word has ${word.length} characters; at most ${MAX_WORD} are looked for`)
  return new WordCondition(word, turn)
}

class WordCondition implements Condition {
  readonly units = UNITS
  readonly ofOperations = true
  readonly #word: string
  readonly #lower: string
  readonly #turn: Turn
  readonly #matcher: Matcher
  readonly #memo: ValueMemo
  /** As words of the columns, when it is such an id. */
  readonly #traceId: Uint32Array | undefined
  readonly #spanId: Uint32Array | undefined
  /** Key -> the hashes of the key with all that has the word as its text; undefined where these cannot be listed. */
  readonly #hashes = new Map<string, readonly number[] | undefined>()

  constructor(word: string, turn: Turn) {
    this.#word = word
    this.#lower = word.toLowerCase()
    this.#turn = turn
    this.#traceId = /^[0-9a-f]{32}$/i.test(word) ? traceWords(word) : undefined
    this.#spanId = /^[0-9a-f]{16}$/i.test(word) ? traceWords(word) : undefined
    this.#matcher = { over: 'some', holds: (value) => this.#isWord(value) }
    this.#memo = new ValueMemo((value) => (this.#isWord(value) ? 1 : 0))
  }

  ofBlock(block: Block, operation?: OperationKey): Verdict {
    if (!operation) return UNKNOWN
    if (this.#isNamed(operation)) return YES
    if (this.#spanId || (this.#traceId && block.mayHaveTrace(traceHash(this.#traceId)))) return UNKNOWN
    return !block.keys || block.keys.some((key) => this.#mayHaveValue(block, key)) ? UNKNOWN : NO
  }

  async judge(block: Block, rows: BlockRows, turn: Turn, share: number): Promise<Verdicts> {
    const named = new Uint8Array(rows.count)
    const operations = rows.operations.map((operation) => this.#isNamed(operation))
    const { trace, operation } = rows
    const wanted = this.#traceIndex(rows)
    for (let row = 0; row < rows.count; row++) {
      if (row % CHUNK === 0 && turn.work(10 * CHUNK) && (await turn.breathe(share))) return NO
      if (operations[operation[row]!] || trace[row] === wanted || this.#isSpan(rows, row)) named[row] = YES
    }
    return combined('or', named, await this.#judgeValues(block, rows, turn, share))
  }

  async #judgeValues(block: Block, rows: BlockRows, turn: Turn, share: number): Promise<Verdicts> {
    if (!block.keys) return UNKNOWN
    let verdicts: Verdicts = NO
    for (const attribute of block.keys) {
      if (!this.#mayHaveValue(block, attribute)) continue
      const own = await columnVerdicts(block, { attribute }, this.#matcher, rows, turn, share)
      verdicts = combined('or', verdicts, own)
    }
    return verdicts
  }

  test(view: SpanView, rows: BlockRows): boolean {
    this.#turn.work(view.spanBytes)
    this.#turn.values++
    return this.#field(view, rows) !== undefined || view.foldAll(this.#memo) !== 0
  }

  readonly foundIn = (view: SpanView, rows: BlockRows): string | undefined =>
    this.#field(view, rows) ?? view.keyOf((value) => this.#isWord(value))

  #field(view: SpanView, rows: BlockRows): string | undefined {
    const { row } = view
    const { service, name } = rows.operations[rows.operation[row]!]!
    if (this.#isIn(name)) return 'name'
    if (this.#isIn(service)) return 'service'
    if (this.#isSpan(rows, row)) return 'spanId'
    return rows.trace[row] === this.#traceIndex(rows) ? 'traceId' : undefined
  }

  #isNamed({ service, name }: OperationKey): boolean {
    return this.#isIn(name) || this.#isIn(service)
  }

  #isIn(text: string): boolean {
    return text.toLowerCase().includes(this.#lower)
  }

  #isWord(value: Value): boolean {
    return String(value) === this.#word
  }

  #isSpan({ spanId }: BlockRows, row: number): boolean {
    const wanted = this.#spanId
    return wanted !== undefined && spanId[2 * row] === wanted[0] && spanId[2 * row + 1] === wanted[1]
  }

  #traceIndex(rows: BlockRows): number {
    return this.#traceId ? traceIndex(rows, this.#traceId) : -1
  }

  #mayHaveValue(block: Block, key: string): boolean {
    let hashes = this.#hashes.get(key)
    if (!hashes && !this.#hashes.has(key)) this.#hashes.set(key, (hashes = pairHashes(key, this.#word)))
    return !hashes || hashes.some((hash) => block.mayHaveAttribute(hash, 'any'))
  }
}
