import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiFailure } from '../api/client.ts'
import type { LoadedTrace } from './loaded-trace.ts'
import { loadTrace } from './load-trace.ts'

/** A trace whose last span ended this recently may still grow: it is asked for again. Milliseconds. */
const youngMs = 60_000
const refreshMs = 3_000

/** Above this number of spans a young trace is not fetched again by itself. */
const refreshMaxSpans = 20_000

/** The trace with that id; again while it is young, so that spans that come late appear. */
export function useTrace(id: string) {
  const client = useQueryClient()
  return useQuery(
    queryOptions<LoadedTrace>({
      queryKey: ['trace', id],
      queryFn: ({ signal }) => loadTrace(id, client.getQueryData<LoadedTrace>(['trace', id]), signal),
      staleTime: Infinity,
      gcTime: 60_000,
      structuralSharing: false,
      retry: false,
      refetchInterval: (query) => {
        const { data } = query.state
        const { error } = query.state
        if (data === undefined) return error instanceof ApiFailure && error.isPassing ? refreshMs : false
        return isYoung(data, Date.now()) && data.trace.size <= refreshMaxSpans ? refreshMs : false
      },
    }),
  )
}

function isYoung({ trace }: LoadedTrace, nowMs: number): boolean {
  const endMs = Number(trace.start / 1_000_000n) + trace.durationNs / 1e6
  return nowMs - endMs < youngMs
}
