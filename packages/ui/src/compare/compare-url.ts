/** What is compared, as the URL holds it: two traces, or two sets by the store's own parameters. All is text; absent means the default. */
export interface CompareUrl {
  /** Trace ids: what `right` is different in from `left`. */
  readonly left?: string
  readonly right?: string
  /** Queries: what `b` is different in from `a`. */
  readonly a?: string
  readonly b?: string
  /** `1h` ago, or nanoseconds since 1970. */
  readonly aFrom?: string
  readonly aTo?: string
  readonly bFrom?: string
  readonly bTo?: string
  /** `true`: `b` is a part of `a`, and compared with the rest. */
  readonly rest?: string
  /** `spans` or, by default, `requests`. */
  readonly of?: string
}

const keys = ['left', 'right', 'a', 'b', 'aFrom', 'aTo', 'bFrom', 'bTo', 'rest', 'of'] as const

export function readCompareUrl(raw: Readonly<Record<string, unknown>>): CompareUrl {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = raw[key]
      return typeof value === 'string' && value !== '' ? [[key, value]] : []
    }),
  )
}
