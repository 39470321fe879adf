import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { ApiFailure } from '../api/api-failure.ts'
import { sourceOf } from '../files/opened-files.ts'
import type { LoadedTrace } from './loaded-trace.ts'
import { loadTrace } from './load-trace.ts'

/** A trace whose last span ended this recently may still grow: it is asked for again. Milliseconds. */
const youngMs = 60_000
const refreshMs = 3_000

/** Above this number of spans a young trace is not fetched again by itself. */
const refreshMaxSpans = 20_000

/** The trace with that id, of the store or of an opened file; again while it is young and may grow, so that spans that come late appear. */
export function useTrace(id: string, file?: string, isAligned = false) {
  const client = useQueryClient()
  const keyOf = (isAligned: boolean) => ['trace', file ?? '', id, isAligned]
  const queryKey = keyOf(isAligned)
  return useQuery(
    queryOptions<LoadedTrace>({
      queryKey,
      queryFn: ({ signal }) => {
        const known = client.getQueryData<LoadedTrace>(queryKey)
        // The same spans, with the other times: what is here is not asked for again.
        const other = known ? undefined : client.getQueryData<LoadedTrace>(keyOf(!isAligned))
        const bytes = other?.trace.bytes as Uint8Array<ArrayBuffer> | undefined
        return loadTrace(id, { signal, known, source: sourceOf(file), isOfFile: file !== undefined, isAligned, bytes })
      },
      // The one stays until the other is there.
      placeholderData: (last) => (last?.trace.traceId === id ? last : undefined),
      staleTime: Infinity,
      gcTime: 60_000,
      structuralSharing: false,
      retry: false,
      refetchInterval: (query) => {
        const { data, error } = query.state
        if (sourceOf(file) ?? file) return false
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
