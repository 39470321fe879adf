import { createCorpus, SPANS_PER_REQUEST, type Corpus } from './corpus.ts'
import type { CorpusName } from './corpus-names.ts'
import { createMarketCorpus } from './market/corpus.ts'
import { createSmallRequests, createSmallSpans } from './small.ts'

const CORPORA = {
  shop: (spans: number, { seed, ...options }: CorpusOptions) => {
    const { spansPerRequest = SPANS_PER_REQUEST } = options
    return createCorpus(Math.ceil(spans / spansPerRequest), seed, options)
  },
  market: (spans: number, { seed, lastsNs }: CorpusOptions) => createMarketCorpus(spans, seed, lastsNs),
  'small-spans': (spans: number, { seed, lastsNs }: CorpusOptions) =>
    createSmallSpans(Math.ceil(spans / SPANS_PER_REQUEST), seed, lastsNs),
  'small-requests': (spans: number, { seed, lastsNs }: CorpusOptions) => createSmallRequests(spans, seed, lastsNs),
} satisfies Record<CorpusName, (spans: number, options: CorpusOptions) => Corpus>

/** Those that a store is filled with. */
export type StoreCorpus = Extract<CorpusName, 'shop' | 'market'>

export interface CorpusOptions {
  /** Same seed, same corpus. Default 1. */
  readonly seed?: number
  /** The time between the starts of its first and its last trace, nanoseconds. Default one minute. */
  readonly lastsNs?: number
  /** Of `shop` alone. Default 512. */
  readonly spansPerRequest?: number
  /** Of `shop` alone: smaller spans are made about that large. */
  readonly spanBytes?: number
}

/** @param spans about how many it has */
export const createNamedCorpus = (name: CorpusName, spans: number, options: CorpusOptions = {}): Corpus =>
  CORPORA[name](spans, options)
