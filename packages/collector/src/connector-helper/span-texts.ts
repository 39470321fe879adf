/** The names that metrics have for the kinds and the status codes of spans, by their numbers. */
export const SPAN_KINDS: readonly string[] = [
  'UNSPECIFIED',
  'INTERNAL',
  'SERVER',
  'CLIENT',
  'PRODUCER',
  'CONSUMER',
].map((name) => `SPAN_KIND_${name}`)
export const STATUS_CODES: readonly string[] = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`)
