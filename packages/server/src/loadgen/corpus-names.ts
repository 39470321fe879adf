/** The workloads by their names: `shop` is even, `market` is large and as uneven as real systems are. */
export const CORPUS_NAMES = ['shop', 'market', 'small-spans', 'small-requests'] as const

export type CorpusName = (typeof CORPUS_NAMES)[number]
