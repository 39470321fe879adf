import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import { formatCounted } from '../format/numbers.ts'
import { useKeys } from '../keyboard/use-keys.ts'
import { without } from '../url/without.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { shortDuration } from './duration-text.ts'
import { QueryBar } from './query-bar.tsx'
import { withRequest } from './query-text.ts'
import { ResultHeader } from './result-header.tsx'
import type { BoxChoice, Selection } from './plot/plot.tsx'
import { Scatter } from './plot/scatter.tsx'
import styles from './search-page.module.css'
import type { SearchUrl } from './search-url.ts'
import { TimeRange } from './time-range.tsx'
import { TraceList } from './trace-list.tsx'
import { useFound } from './use-found.ts'
import { useMarks } from './use-marks.ts'

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
  const [hovered, setHovered] = useState<string>()
  const live = url.live === '1'
  const { data: status } = useQuery(statusQuery)
  const search = useFound(url)
  const { question, rows, pages, failure, queryFailure, again } = search

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
  const compare = ([left, right]: readonly string[]) => {
    if (left && right) void navigate({ to: '/compare', search: { left, right } })
  }
  const { selected, picked, pick } = useMarks(rows, { open, compare })
  const toggleLive = () =>
    change(live ? without(url, ['live']) : { ...without(url, ['from', 'to', 'order']), live: '1' })
  const scroller = useRef<HTMLDivElement>(null)
  useKeys('Search', [
    { help: 'Live on, off', on: { l: toggleLive } },
    { help: 'To the query', on: { '/': () => document.getElementById('query')?.focus() } },
  ])

  // What is not all of it, or too much of it, is counted by the store.
  const isMany = rows.length > 0 && !queryFailure && (search.hasNextPage || rows.length > manyRows)
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
          onSubmit={(q) => (q === (url.q ?? '') ? again() : change({ ...without(url, ['q']), ...(q && { q }) }))}
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
          {rows.length > 0 && !search.isOld && !queryFailure && (
            <div className={styles.groups} data-panel={url.panel}>
              <GroupsPanel url={url} onChange={change} />
            </div>
          )}
          {(rows.length > 0 || !failure) && (
            <ResultHeader
              url={url}
              onChange={change}
              pages={pages}
              soFar={search.soFar}
              shown={rows.length}
              failure={failure}
              onAgain={again}
              picked={picked.length}
              onComparePicked={() => compare(picked)}
            />
          )}
          {live && !search.isOld && !queryFailure && (
            <LiveBar
              key={question}
              url={url}
              rows={search.found}
              scroller={scroller}
              onRows={search.keepLive}
              onSearch={again}
            />
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
              hasMore={search.hasMore}
              moreFailure={search.moreFailure}
              onMore={search.more}
            />
          ) : (
            !queryFailure && (
              <Nothing
                attention={status?.attention ?? []}
                url={url}
                failure={failure ?? search.moreFailure}
                pages={pages}
                busy={search.isFetching}
                onAgain={search.moreFailure ? search.more : again}
                {...(search.hasNextPage && { onMore: search.more })}
                onChange={change}
              />
            )
          )}
        </>
      )}
    </div>
  )
}
