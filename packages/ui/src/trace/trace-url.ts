/** The state of the trace page, as the URL holds it. */
export interface TraceUrl {
  /** Span id, 16 hex digits: the selected span. */
  readonly span?: string
  /** A name of `views.tsx`; default `timeline`. */
  readonly view?: string
  /** The text in the find box. Jaeger's `uiFind` is read too. */
  readonly find?: string
  /** What the table is sorted by, a name of its columns. */
  readonly sort?: string
  /** What is in view when it is not what is shown first: offsets from the trace's start, `from-to`, nanoseconds. */
  readonly zoom?: string
  /** The opened file that the trace is of. Absent: the store. */
  readonly file?: string
  /** `aligned`: times are moved to the clock of the request, where clocks are apart. */
  readonly clocks?: 'aligned'
  /** What is collapsed: span ids with commas in between, at most {@link maxFolded}, or `all`. */
  readonly folded?: string
}

/** Of more collapsed rows an address would be too long: then it has none. */
export const maxFolded = 60

export function readTraceUrl(raw: Readonly<Record<string, unknown>>): TraceUrl {
  const text = (key: string) => (typeof raw[key] === 'string' && raw[key] !== '' ? raw[key] : undefined)
  const span = text('span')?.toLowerCase()
  const view = text('view')
  const zoom = text('zoom')
  const folded = text('folded')
  const sort = text('sort')
  const find = text('find') ?? text('uiFind')
  const file = text('file')
  return {
    ...(span && /^[0-9a-f]{16}$/.test(span) && { span }),
    ...(view && view !== 'timeline' && /^[a-z]+$/.test(view) && { view }),
    ...(find && { find }),
    ...(sort && { sort }),
    ...(file && { file }),
    ...(raw['clocks'] === 'aligned' && { clocks: 'aligned' as const }),
    ...(zoom && readZoom(zoom) && { zoom }),
    ...(folded && /^(all|[0-9a-f]{16}(,[0-9a-f]{16})*)$/.test(folded) && { folded }),
  }
}

/** The window that a `zoom` is; undefined where it is none. */
export function readZoom(zoom: string): { from: number; to: number } | undefined {
  const [, from, to] = /^(\d{1,19})-(\d{1,19})$/.exec(zoom) ?? []
  return from !== undefined && Number(from) < Number(to) ? { from: Number(from), to: Number(to) } : undefined
}
