import { useInfiniteQuery } from '@tanstack/react-query'
import type { TraceRow } from 'spoor/api'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { ApiFailure } from '../api/api-failure.ts'
import { pageOf, searchQuery, useSearchSoFar } from '../api/search.ts'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import { searchParameters, type SearchUrl } from './search-url.ts'

/** What a search has found: as it comes, page by page, and while it is live with what has come since. */
export function useFound(url: SearchUrl) {
  const live = url.live === '1'
  const parameters = searchParameters(url)
  /** Another text for another search. */
  const question = JSON.stringify(parameters)
  const search = useInfiniteQuery(searchQuery(parameters))
  const pages = search.data?.pages
  const running = useSearchSoFar(pageOf(parameters))
  // What is there of this very search stays until the new answer is whole.
  const soFar = search.isPending || search.isPlaceholderData ? running : undefined
  const found = useMemo(
    () => (soFar && soFar.traces.length > 0 ? soFar.traces : (pages?.flatMap((page) => page.traces) ?? [])),
    [soFar, pages],
  )
  const [liveList, setLiveList] = useState<{ question: string; rows: readonly TraceRow[]; cut: boolean }>()
  const isLive = liveList?.question === question
  const keepLive = useCallback(
    (rows: readonly TraceRow[], cut: boolean) => setLiveList({ question, rows, cut }),
    [question],
  )
  useEffect(() => {
    // What came while it was live is found by a search, too, and stays until then.
    if (!live && isLive) void search.refetch().finally(() => setLiveList(undefined))
  }, [live])

  const moreFailure = search.isFetchNextPageError ? search.error : undefined
  const lastFailure = useLastFailure(search.error, search.data !== undefined, question)
  const failure = moreFailure ? undefined : lastFailure
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = search
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, isFetchingNextPage])
  return {
    question,
    pages,
    soFar,
    found,
    rows: isLive ? liveList.rows : found,
    keepLive,
    isPending: search.isPending,
    isFetching: search.isFetching,
    /** Whether the rows are those of the search before, which stay until this one has an answer. */
    isOld: search.isPlaceholderData,
    failure,
    queryFailure: failure instanceof ApiFailure && isOfQuery(failure) ? failure : undefined,
    moreFailure: moreFailure ?? undefined,
    again: () => void search.refetch(),
    more,
    hasNextPage,
    /** Whether there is more to ask for; what a live list has left out is found by another search. */
    hasMore: hasNextPage && !(isLive && liveList.cut),
  }
}

const isOfQuery = ({ code, position }: ApiFailure) => code === 'bad_query' || position !== undefined
