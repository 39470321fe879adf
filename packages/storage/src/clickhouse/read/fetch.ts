import type { Turn } from '../../local/read/turn.ts'
import type { Statement } from '../connection.ts'
import type { Query } from '../query.ts'
import type { RowReader } from '../row-binary.ts'
import { decodeSpan, type SpanOfTrace } from '../sql/spans.ts'
import { Assembly } from './assembly.ts'
import { FetchedBlock } from './fetched-block.ts'

/** Bytes of a serialized message that is handed on, about: a larger span is one of its own. */
const PIECE_BYTES = 1 << 20
/** Bytes of a block, about. */
const BLOCK_BYTES = 8 << 20

/** Spans as serialized `TracesData`, as they come; ends early when the query is over. */
export async function* piecesOf(query: Query, statement: Statement, doing: string): AsyncGenerator<Uint8Array> {
  const assembly = new Assembly()
  for await (const spans of query.rows(statement, decodeSpan, doing)) {
    for (const span of spans) {
      assembly.add(span)
      if (assembly.bytes >= PIECE_BYTES) yield assembly.take()
    }
  }
  if (!query.isOver && assembly.count > 0) yield assembly.take()
}

/** The same as blocks that the query's memory has room for; where it has no more, what follows is left out, and the answer is not complete. */
export async function blocksOf(query: Query, statement: Statement, doing: string): Promise<Blocks> {
  const blocks = new Blocks(query.turn)
  for await (const piece of piecesOf(query, statement, doing))
    if (!blocks.add(piece) || (await query.turn.breathe())) break
  blocks.close()
  return blocks
}

/** The same in parts, each of which has whole traces and is forgotten when the next is asked for. The statement gives spans by their traces, `decode` reads one. */
export async function* partsByTrace(
  query: Query,
  statement: Statement,
  decode: (row: RowReader) => SpanOfTrace,
  doing: string,
): AsyncGenerator<readonly FetchedBlock[]> {
  const assembly = new Assembly()
  let blocks = new Blocks(query.turn)
  let trace: Uint8Array = new Uint8Array()
  for await (const spans of query.rows(statement, decode, doing)) {
    for (const span of spans) {
      const isSame = Buffer.compare(span.trace, trace) === 0
      if (!isSame) trace = new Uint8Array(span.trace)
      if (!isSame && blocks.bytes + assembly.bytes >= BLOCK_BYTES) {
        blocks.add(assembly.take())
        yield blocks.close()
        blocks.release()
        blocks = new Blocks(query.turn)
      }
      assembly.add(span)
      if (assembly.bytes >= PIECE_BYTES) blocks.add(assembly.take())
    }
  }
  if (assembly.count > 0) blocks.add(assembly.take())
  if (!query.isOver) yield blocks.close()
  blocks.release()
}

/** Blocks of spans that have come, in memory of the query's. */
export class Blocks {
  readonly all: FetchedBlock[] = []
  /** Of what was added. */
  bytes = 0
  readonly #turn: Turn
  #pieces: Uint8Array[] = []
  #pieceBytes = 0
  #reserved = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** A serialized message. False when there is no memory for it. */
  add(piece: Uint8Array): boolean {
    if (!this.#reserve(piece.length)) return false
    this.#pieces.push(piece)
    this.bytes += piece.length
    this.#pieceBytes += piece.length
    if (this.#pieceBytes >= BLOCK_BYTES) this.close()
    return true
  }

  /** All of them. */
  close(): readonly FetchedBlock[] {
    if (this.#pieces.length === 0) return this.all
    const block = new FetchedBlock(this.#pieces)
    if (this.#reserve(block.bytes - this.#pieceBytes)) this.all.push(block)
    this.#pieces = []
    this.#pieceBytes = 0
    return this.all
  }

  /** They are not needed any more. */
  release(): void {
    this.#turn.release(this.#reserved)
    this.#reserved = 0
  }

  #reserve(bytes: number): boolean {
    if (!this.#turn.reserve(bytes)) return false
    this.#reserved += bytes
    return true
  }
}
