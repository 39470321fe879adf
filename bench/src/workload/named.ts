import { createCorpus, SPANS_PER_REQUEST, type Corpus } from './corpus.ts'
import { createMarketCorpus } from './market/corpus.ts'

/** The workloads by their names: `shop` is small and even, `market` is large and as uneven as real systems are. */
const CORPORA = {
  shop: (requests: number) => createCorpus(requests),
  market: (requests: number) => createMarketCorpus(requests * SPANS_PER_REQUEST),
}

export type CorpusName = keyof typeof CORPORA
export const CORPUS_NAMES = Object.keys(CORPORA) as readonly CorpusName[]

/** @param requests its size, in requests of 512 spans */
export const createNamedCorpus = (name: CorpusName, requests: number): Corpus => CORPORA[name](requests)
