import type { Refusal } from '@spoor/trace/files'

/** A trace that is not in the store. */
export interface TraceBytes {
  readonly traceId: string
  /** A serialized `TracesData`. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Where traces come from that are not in the store. */
export interface TraceSource {
  readonly traces: readonly TraceBytes[]
  /** The colour slots that its services have where it was made; without, as in this browser. */
  readonly slots?: Readonly<Record<string, number>>
}

/** A trace of a file, with what a list shows of it. Times in nanoseconds. */
export interface FileTrace extends TraceBytes {
  readonly rootService: string
  readonly rootName: string
  /** Since 1970. */
  readonly start: bigint
  readonly requestNs: number
  readonly tailNs: number
  readonly spans: number
  readonly services: number
  readonly errors: number
}

/** A file that a person has opened: it is in this browser, as long as the page is, and nowhere else. */
export interface OpenedFile extends TraceSource {
  readonly name: string
  readonly traces: readonly FileTrace[]
  readonly refusals: readonly Refusal[]
}

const opened = new Map<string, OpenedFile>()
let only: TraceSource | undefined

/** The file with that name; undefined when it is not open. */
export function openedFile(name: string | undefined): OpenedFile | undefined {
  return name === undefined ? undefined : opened.get(name)
}

/** Where traces come from when the address names that file; undefined: it is not open, or, without a name, they come from the store. */
export function sourceOf(name: string | undefined): TraceSource | undefined {
  return only ?? openedFile(name)
}

export function keepOpened(file: OpenedFile): void {
  opened.set(file.name, file)
}

export function closeOpened(name: string): void {
  opened.delete(name)
}

/** From now on there is no server to ask: all that is shown is from there. */
export function showOnly(source: TraceSource): void {
  only = source
}

/** Whether there is a server to ask. */
export function hasServer(): boolean {
  return only === undefined
}
