import { infiniteQueryOptions } from '@tanstack/react-query'
import type { SearchLine, SearchResponse, TraceRow } from 'spoor/api'
import { useSyncExternalStore } from 'react'
import { ApiFailure } from './api-failure.ts'
import { type Parameters } from './client.ts'
import { getLines } from './lines.ts'
import { liveIntervalMs } from './queries.ts'

/** Traces to a page of the list. */
const pageSize = 500

/** How far a search is that has not ended. */
export interface SearchSoFar {
  /** In their order, and final. */
  readonly traces: readonly TraceRow[]
  /** Of what it has to look at, 0 to 1; undefined before it is known. */
  readonly share: number | undefined
  readonly spansScanned: number
}

const running = new Map<string, SearchSoFar>()
const listeners = new Set<() => void>()

const keyOf = (parameters: Parameters) => JSON.stringify(parameters)

function tell(key: string, soFar: SearchSoFar | undefined): void {
  if (soFar) running.set(key, soFar)
  else running.delete(key)
  for (const listener of listeners) listener()
}

/**
 * For so long what was found is still there when its search has ended: the answer reaches who shows it a moment later, and in between the list would be empty, and what is
 * selected in it lost. Milliseconds.
 */
const handOverMs = 100

function forgetSoon(key: string, soFar: SearchSoFar): void {
  setTimeout(() => {
    if (running.get(key) === soFar) tell(key, undefined)
  }, handOverMs)
}

/** Nothing, of all that there is. A search that had to stop would have to stop again. */
const foundNothing = (first: SearchResponse | undefined) => first?.complete === true && first.traces.length === 0

/** What a page of the search is asked with. */
export function pageOf(parameters: Parameters): Parameters {
  return { ...parameters, limit: parameters['limit'] ?? pageSize }
}

/** Pages of a search. One that found nothing is asked again every {@link liveIntervalMs}, for what comes later. */
export function searchQuery(parameters: Parameters) {
  return infiniteQueryOptions({
    queryKey: ['search', parameters],
    queryFn: ({ signal, pageParam }) => getSearch(pageOf(parameters), pageParam, signal),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    refetchInterval: ({ state }) => (foundNothing(state.data?.pages[0]) ? liveIntervalMs : false),
    placeholderData: (previous) => previous,
    retry: false,
  })
}

/** A page of a search. What is found is told to {@link useSearchSoFar} as it comes. */
async function getSearch(parameters: Parameters, cursor: string, signal: AbortSignal): Promise<SearchResponse> {
  const key = cursor === '' ? keyOf(parameters) : undefined
  let soFar: SearchSoFar = { traces: [], share: undefined, spansScanned: 0 }
  let answer: SearchResponse | undefined
  const hear = (line: SearchLine): void => {
    if (line.type === 'traces') soFar = { ...soFar, traces: [...soFar.traces, ...line.traces] }
    else if (line.type === 'progress') {
      const { partsDone, partsTotal, spansScanned } = line
      soFar = { ...soFar, share: partsTotal > 0 ? partsDone / partsTotal : undefined, spansScanned }
    } else if (line.type === 'end') {
      const { type: _, ...end } = line
      answer = { traces: soFar.traces, ...end }
      return
    } else throw new ApiFailure(line.error.code, line.error.message, { isPassing: true })
    if (key !== undefined) tell(key, soFar)
  }
  try {
    await getLines('search', { ...parameters, cursor }, signal, (line) => hear(line as SearchLine))
  } finally {
    if (key !== undefined) forgetSoon(key, soFar)
  }
  if (!answer) throw new ApiFailure('cut', 'The search broke off before its end.', { isPassing: true })
  return answer
}

/** The search with these parameters as far as it is, while it runs. */
export function useSearchSoFar(parameters: Parameters): SearchSoFar | undefined {
  const key = keyOf(parameters)
  return useSyncExternalStore(subscribe, () => running.get(key))
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
