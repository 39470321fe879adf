/**
 * The load generator in a process of its own: `load.ts <corpus> <requests> <origin ns> <first pass>`. It is the one of
 * `spoor loadgen`. Every pass over the corpus has ids, times and values of its own; with gzip the bytes are the same
 * in each pass, because they are compressed beforehand.
 */
import {
  createNamedCorpus,
  createPass,
  createReplay,
  SPANS_PER_REQUEST,
  type CorpusName,
  type Delivery,
  type ReplayOrder,
  type ReplayResult,
} from 'spoor/loadgen'
import { answer, say } from '../process/child.ts'

export type LoadOrder = ReplayOrder

/** The late requests of passes that were sent before. */
export interface LateOrder extends Delivery {
  readonly passes: readonly number[]
}

export type LoadResult = ReplayResult

const [corpusName, requestCount, originNs, firstPass] = process.argv.slice(2)
const corpus = createNamedCorpus(corpusName as CorpusName, Number(requestCount) * SPANS_PER_REQUEST)
const origin = BigInt(originNs ?? '0')
const replay = createReplay({
  corpus,
  passOf: (number) => createPass(number, origin, corpus.stretched),
  firstPass: Number(firstPass),
})

answer({
  load: (order: LoadOrder) => replay.send(order),
  late: (order: LateOrder) => replay.sendLate(order, order.passes),
})
say({})
