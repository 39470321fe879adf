import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { TraceRow } from 'spoor/api'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { ApiFailure } from '../api/client.ts'
import { statusQuery } from '../api/queries.ts'
import { pageOf, searchQuery, useSearchSoFar } from '../api/search.ts'
import { formatCounted } from '../format/numbers.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import { without } from '../url/without.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { useLastFailure } from '../widgets/use-last-failure.ts'
import { shortDuration } from './duration-text.ts'
import { QueryBar } from './query-bar.tsx'
import { withRequest } from './query-text.ts'
import { ResultHeader } from './result-header.tsx'
import type { BoxChoice, Selection } from './plot/plot.tsx'
import { Scatter } from './plot/scatter.tsx'
import styles from './search-page.module.css'
import { searchParameters, type SearchUrl } from './search-url.ts'
import { TimeRange } from './time-range.tsx'
import { TraceList } from './trace-list.tsx'

const route = getRouteApi('/search')

const GroupsPanel = lazyPart(async () => (await import('./groups/groups-panel.tsx')).GroupsPanel, {
  name: 'The groups',
})

const LiveBar = lazyPart(async () => (await import('./live/live-bar.tsx')).LiveBar, { name: 'Live' })

const Nothing = lazyPart(async () => (await import('./nothing.tsx')).Nothing, {
  name: 'The hint',
  waiting: () => <Loading label="Searching" />,
})

const EmptyState = lazyPart(async () => (await import('../setup/empty-state.tsx')).EmptyState, { name: 'The hint' })

const HeatMap = lazyPart(async () => (await import('./plot/heat-map.tsx')).HeatMap, {
  name: 'The heat map',
  waiting: ({ instead }) => instead('counting all'),
})

/** From so many on, how many lie where says more than each of them. */
const manyRows = 1000

/** The next page is most likely a trace: its code is fetched once this page rests. */
function preloadTracePage(): void {
  // Where it does not come the router asks for it again, and tells.
  setTimeout(() => void import('../trace/trace-page.tsx').catch(() => {}), 1000)
}

/** Finds traces: a query, a time range, durations over time, and the list. The URL holds all of it. */
export function SearchPage() {
  const url = route.useSearch()
  const navigate = useNavigate({ from: '/search' })
  const [selectedId, setSelectedId] = useState<string>()
  const [picked, setPicked] = useState<readonly string[]>([])
  const [hovered, setHovered] = useState<string>()
  const live = url.live === '1'
  const { data: status } = useQuery(statusQuery)
  const search = useInfiniteQuery(searchQuery(searchParameters(url)))
  const pages = search.data?.pages
  const running = useSearchSoFar(pageOf(searchParameters(url)))
  // What is there of this very search stays until the new answer is whole.
  const soFar = search.isPending || search.isPlaceholderData ? running : undefined
  const found = useMemo(
    () => (soFar && soFar.traces.length > 0 ? soFar.traces : (pages?.flatMap((page) => page.traces) ?? [])),
    [soFar, pages],
  )
  const question = JSON.stringify(searchParameters(url))
  const [liveList, setLiveList] = useState<{ question: string; rows: readonly TraceRow[]; cut: boolean }>()
  const isLive = liveList?.question === question
  const rows = isLive ? liveList.rows : found
  // The selection is a trace, not a place: what comes meanwhile does not move it.
  const selected = selectedId === undefined ? -1 : rows.findIndex((row) => row.traceId === selectedId)
  const select = (index: number) => setSelectedId(rows[index]?.traceId)
  const moreFailure = search.isFetchNextPageError ? search.error : undefined
  const lastFailure = useLastFailure(search.error, search.data !== undefined, question)
  const failure = moreFailure ? undefined : lastFailure
  const queryFailure = failure instanceof ApiFailure && isOfQuery(failure) ? failure : undefined
  const again = () => void search.refetch()

  useEffect(() => {
    document.title = url.q ? `${url.q} - Spoor` : 'Search - Spoor'
  }, [url.q])
  useEffect(preloadTracePage, [])

  const change = useCallback(
    (next: SearchUrl) => void navigate({ search: next, replace: next.live !== url.live }),
    [navigate, url.live],
  )
  const open = useCallback((id: string) => void navigate({ to: '/trace/$id', params: { id }, search: {} }), [navigate])
  const boxed = ({ from, to, minNs, maxNs }: Selection) => ({
    q: withRequest(url.q ?? '', shortDuration(minNs, 'down'), shortDuration(maxNs, 'up')),
    from,
    to,
  })
  const choices: readonly BoxChoice[] = [
    { label: 'Filter', onChoose: (box) => change({ ...without(url, ['range', 'live']), ...boxed(box) }) },
    {
      label: 'What is different in the box?',
      onChoose: (box) =>
        void import('../compare/questions.ts').then(({ boxAgainstRest }) =>
          navigate({ to: '/compare', search: boxAgainstRest(url, boxed(box)) }),
        ),
    },
  ]
  /** Two can be picked: a third takes the place of the first. */
  const pick = (id: string) =>
    setPicked((before) => (before.includes(id) ? before.filter((other) => other !== id) : [...before, id].slice(-2)))
  const comparePicked = () => {
    const [left, right] = picked
    if (left && right) void navigate({ to: '/compare', search: { left, right } })
  }
  const toggleLive = () =>
    change(live ? without(url, ['live']) : { ...without(url, ['from', 'to', 'order']), live: '1' })
  const keepLive = useCallback(
    (rows: readonly TraceRow[], cut: boolean) => setLiveList({ question, rows, cut }),
    [question],
  )
  const scroller = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // What came while it was live is found by a search, too, and stays until then.
    if (!live && isLive) void search.refetch().finally(() => setLiveList(undefined))
  }, [live])
  useKeys('Search', [
    {
      help: 'Next, previous trace',
      on: {
        j: () => select(Math.min(selected + 1, rows.length - 1)),
        k: () => select(Math.max(selected - 1, 0)),
      },
    },
    {
      help: 'Open the trace',
      on: {
        Enter: () => {
          const row = rows[selected]
          if (row) open(row.traceId)
          return row !== undefined
        },
      },
    },
    {
      help: 'Pick a trace (two can be), compare both',
      on: {
        ' ': () => {
          if (selectedId === undefined) return false
          pick(selectedId)
          return true
        },
        c: () => picked.length === 2 && comparePicked(),
      },
    },
    { help: 'Live on, off', on: { l: toggleLive } },
    { help: 'To the query', on: { '/': () => document.getElementById('query')?.focus() } },
    {
      help: 'Deselect',
      on: {
        Escape: () => {
          setSelectedId(undefined)
          setPicked([])
        },
      },
    },
  ])

  const { fetchNextPage, hasNextPage, isFetchingNextPage } = search
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, isFetchingNextPage])

  // What is not all of it, or too much of it, is counted by the store.
  const isMany = rows.length > 0 && !queryFailure && (hasNextPage || rows.length > manyRows)
  const scatter = (note?: string) => (
    <Scatter
      rows={rows}
      {...(note && { note: `${formatCounted(rows.length, 'request')} of more, ${note}` })}
      hovered={hovered}
      onHover={setHovered}
      onOpen={open}
      choices={choices}
    />
  )

  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">Search</h1>
      <div className={styles.query}>
        <QueryBar
          value={url.q ?? ''}
          failure={queryFailure}
          onSubmit={(q) =>
            q === (url.q ?? '') ? void search.refetch() : change({ ...without(url, ['q']), ...(q && { q }) })
          }
        />
        <TimeRange url={url} onChange={(times) => change({ ...without(url, ['range', 'from', 'to']), ...times })} />
        <button
          type="button"
          className={styles.live}
          aria-pressed={live}
          onClick={toggleLive}
          title="Show traces as they come (l)"
        >
          <i /> Live
        </button>
      </div>
      {status?.store.spans === 0 && rows.length === 0 ? (
        <EmptyState status={status} />
      ) : (
        <>
          {isMany ? (
            <HeatMap url={url} instead={scatter} onOpen={open} choices={choices} />
          ) : (
            (rows.length > 0 || search.isPending) && scatter()
          )}
          {rows.length > 0 && !search.isPlaceholderData && !queryFailure && (
            <div className={styles.groups} data-panel={url.panel}>
              <GroupsPanel url={url} onChange={change} />
            </div>
          )}
          {(rows.length > 0 || !failure) && (
            <ResultHeader
              url={url}
              onChange={change}
              pages={pages}
              soFar={soFar}
              shown={rows.length}
              failure={failure}
              onAgain={again}
              picked={picked.length}
              onComparePicked={comparePicked}
            />
          )}
          {live && !search.isPlaceholderData && !queryFailure && (
            <LiveBar key={question} url={url} rows={found} scroller={scroller} onRows={keepLive} onSearch={again} />
          )}
          {rows.length > 0 ? (
            <TraceList
              scroller={scroller}
              rows={rows}
              selected={selected}
              picked={picked}
              onPick={pick}
              hovered={hovered}
              onHover={setHovered}
              search={question}
              hasMore={hasNextPage && !(isLive && liveList.cut)}
              moreFailure={moreFailure ?? undefined}
              onMore={more}
            />
          ) : (
            !queryFailure && (
              <Nothing
                url={url}
                failure={failure ?? moreFailure ?? undefined}
                pages={pages}
                busy={search.isFetching}
                onAgain={moreFailure ? more : again}
                {...(hasNextPage && { onMore: more })}
                onChange={change}
              />
            )
          )}
        </>
      )}
    </div>
  )
}

const isOfQuery = ({ code, position }: ApiFailure) => code === 'bad_query' || position !== undefined
