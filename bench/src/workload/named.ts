import { createCorpus, SPANS_PER_REQUEST, type Corpus } from './corpus.ts'
import { createMarketCorpus } from './market/corpus.ts'
import { createSmallRequests, createSmallSpans } from './small.ts'

/** The workloads by their names: `shop` is even, `market` is large and as uneven as real systems are. */
const CORPORA = {
  shop: (requests: number) => createCorpus(requests),
  market: (requests: number) => createMarketCorpus(requests * SPANS_PER_REQUEST),
  'small-spans': (requests: number) => createSmallSpans(requests),
  'small-requests': (requests: number) => createSmallRequests(requests * SPANS_PER_REQUEST),
}

export type CorpusName = keyof typeof CORPORA
/** Those that a store is filled with. */
export type StoreCorpus = Extract<CorpusName, 'shop' | 'market'>

/** @param requests its size, in requests of 512 spans */
export const createNamedCorpus = (name: CorpusName, requests: number): Corpus => CORPORA[name](requests)
