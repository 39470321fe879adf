/** What connectors are built from: series of metrics and their bounds, keys of them, dimensions, histograms. */
export { ByteTable } from './byte-table.ts'
export { attributeOf, dimensionKey, dimensionProblems, Dimensions } from './dimensions.ts'
export { ExponentialHistogram } from './exponential-histogram.ts'
export { explicitIndex } from './explicit.ts'
export { MetricsOut, type EncodedMetrics } from './metrics-out.ts'
export { MAX_TABLE_BYTES, Origins } from './origins.ts'
export { SPAN_KINDS, STATUS_CODES } from './span-texts.ts'
