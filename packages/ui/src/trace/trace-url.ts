export const traceViews = ['timeline', 'tree', 'json'] as const
export type TraceViewName = (typeof traceViews)[number]

/** The state of the trace page, as the URL holds it. */
export interface TraceUrl {
  /** Span id, 16 hex digits: the selected span. */
  readonly span?: string
  /** Default `timeline`. */
  readonly view?: TraceViewName
  /** The text in the find box. Jaeger's `uiFind` is read too. */
  readonly find?: string
}

export function readTraceUrl(raw: Readonly<Record<string, unknown>>): TraceUrl {
  const text = (key: string) => (typeof raw[key] === 'string' && raw[key] !== '' ? raw[key] : undefined)
  const span = text('span')?.toLowerCase()
  const view = traceViews.find((view) => view === text('view'))
  const find = text('find') ?? text('uiFind')
  return {
    ...(span && /^[0-9a-f]{16}$/.test(span) && { span }),
    ...(view && view !== 'timeline' && { view }),
    ...(find && { find }),
  }
}
