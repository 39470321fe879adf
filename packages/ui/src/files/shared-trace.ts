/** What a shared file holds beside its viewer. */
export interface SharedTrace {
  readonly traceId: string
  /** The part of the address that tells what is shown: `?span=…&zoom=…`. */
  readonly search: string
  /** When it was made. Milliseconds since 1970. */
  readonly sharedMs: number
  /** The colour slots of its services where it was made. */
  readonly slots: Readonly<Record<string, number>>
  /** The serialized `TracesData`, with gzip, in base64. */
  readonly gzip: string
}

/** Where the trace goes in the viewer's HTML. */
export const placeOfTrace = '<script id="shared-trace" type="application/json"></script>'

/** The viewer's HTML with a trace in it. */
export function withTrace(html: string, shared: SharedTrace): string {
  const [open, close] = [placeOfTrace.slice(0, -9), placeOfTrace.slice(-9)] as const
  // What ends a script must not be in it, whatever a service is called.
  const json = JSON.stringify(shared).replaceAll('<', String.raw`\u003c`)
  return html.replace(placeOfTrace, () => `${open}${json}${close}`)
}

/** The trace in a document; undefined where there is none. */
export function sharedTraceIn(document: Document): SharedTrace | undefined {
  const text = document.getElementById('shared-trace')?.textContent
  return text ? (JSON.parse(text) as SharedTrace) : undefined
}
