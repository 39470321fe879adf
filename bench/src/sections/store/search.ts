import { okBody, type Get } from '../../candidate/client.ts'

/** What is said of a found trace, as far as the bench reads it. */
interface Row {
  readonly traceId: string
  readonly spans: number
}

interface Page {
  readonly traces: readonly Row[]
  readonly next?: string
  readonly complete: boolean
  readonly spansScanned: number
}

/** A search over HTTP; `parameters` as in the API: `{ order: 'longest' }`. */
export interface Search {
  readonly q: string
  readonly parameters: Readonly<Record<string, string>>
  /** Traces that a complete answer has at the least. */
  readonly least: number
}

/** Traces on a page. */
export const PAGE = 20

/** Asks, and checks that a complete answer has as many traces as it must, all different. */
export async function search(get: Get, { q, parameters, least }: Search, cursor?: string): Promise<Page> {
  const query = new URLSearchParams({ q, limit: String(PAGE), ...parameters, ...(cursor ? { cursor } : {}) })
  const page = JSON.parse((await okBody(get, `/api/spoor/v1/search?${query.toString()}`)).toString()) as Page
  const { size } = new Set(page.traces.map(({ traceId }) => traceId))
  if (size !== page.traces.length) throw new Error(`${q}: a trace is twice on one page`)
  if (page.complete && size < least) throw new Error(`${q}: ${size} traces instead of at least ${least}`)
  return page
}

/** What a reader must know of an answer. */
export const told = ({ traces, spansScanned, complete }: Page): string =>
  `${traces.length} traces, ${spansScanned.toLocaleString('en-US')} spans looked at${complete ? '' : ', not complete'}`

/** The cursor of a page: where one that holds all before it ends. */
export async function cursorOf(get: Get, asked: Search, number: number): Promise<string> {
  const limit = PAGE * (number - 1)
  const { next } = await search(get, {
    ...asked,
    parameters: { ...asked.parameters, limit: String(limit) },
    least: limit,
  })
  if (next === undefined) throw new Error(`${asked.q}: there is no page ${number}`)
  return next
}
