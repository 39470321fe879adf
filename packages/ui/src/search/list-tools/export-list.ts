import type { SearchResponse, TraceRow } from 'spoor/api'
import { getBytes, getJson, type Parameters } from '../../api/client.ts'
import { csvOf } from './csv.ts'

/** What a list is saved as. */
export type ListForm = 'json' | 'csv' | 'otlp'

/** The most that is saved: rows, or for OTLP traces with all of their spans. */
export const maxRows = 10_000
export const maxTraces = 500
/** Rows that are asked for at a time. */
const pageRows = 100

export interface ExportedList {
  readonly blob: Blob
  readonly name: string
  /** Traces in it. */
  readonly traces: number
  /** Whether more match, or may. */
  readonly isCut: boolean
}

/** All that a search finds, in its order, as a file. `onProgress` hears how many traces there are so far. Rejects with `ApiFailure`. */
export async function exportList(
  parameters: Parameters,
  form: ListForm,
  onProgress: (traces: number) => void,
  signal: AbortSignal,
): Promise<ExportedList> {
  const most = form === 'otlp' ? maxTraces : maxRows
  const rows: TraceRow[] = []
  let cursor: string | undefined
  let isCut = false
  do {
    const limit = Math.min(pageRows, most - rows.length)
    const page = await getJson<SearchResponse>('search', { ...parameters, limit, cursor }, signal, JSON.parse)
    rows.push(...page.traces)
    cursor = page.next
    isCut ||= !page.complete
    if (form !== 'otlp') onProgress(rows.length)
  } while (cursor !== undefined && rows.length < most)
  const content =
    form === 'otlp' ? await tracesOf(rows, onProgress, signal) : form === 'csv' ? csvOf(rows) : jsonOf(rows)
  const type = { json: 'application/json', csv: 'text/csv', otlp: 'application/x-protobuf' }[form]
  const ending = { json: 'json', csv: 'csv', otlp: 'otlp.pb' }[form]
  return {
    blob: new Blob(typeof content === 'string' ? [content] : content, { type }),
    name: `traces-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${ending}`,
    traces: rows.length,
    isCut: isCut || cursor !== undefined,
  }
}

/** A line a row. */
const jsonOf = (rows: readonly TraceRow[]) => `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`

/** Serialized `TracesData` that are laid end to end are one. */
async function tracesOf(
  rows: readonly TraceRow[],
  onProgress: (traces: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (const { traceId } of rows) {
    parts.push(await getBytes(`traces/${traceId}`, { signal }))
    onProgress(parts.length)
  }
  return parts
}
