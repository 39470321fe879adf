import type { AttentionRow, SearchResponse } from 'spoor/api'
import { Attention } from '../setup/attention.tsx'
import setup from '../setup/setup.module.css'
import { without } from '../url/without.ts'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Notice } from '../widgets/notice.tsx'
import notice from '../widgets/notice.module.css'
import type { SearchUrl } from './search-url.ts'

/** What stands where no trace does: why, and what to do next. */
export function Nothing(props: {
  url: SearchUrl
  failure: Error | undefined
  pages: readonly SearchResponse[] | undefined
  busy: boolean
  onAgain: () => void
  /** Looks further, where the store has not come to its end. */
  onMore?: () => void
  onChange: (url: SearchUrl) => void
  /** What needs attention: where nothing was asked for, one of it may be why there is nothing, as times in a wrong unit. */
  attention: readonly AttentionRow[]
}) {
  const { url, failure, pages, busy } = props
  if (failure) {
    return <FailureNotice title="The search failed" error={failure} onAgain={props.onAgain} busy={busy} />
  }
  if (!pages) return <Loading label="Searching" />
  const stopped = pages.some((page) => !page.complete)
  if (stopped) {
    return (
      <Notice title="Nothing found so far">
        <p>
          The search was stopped before it had looked at everything, so there may be traces that match. A shorter time
          range or a service makes it quicker.
        </p>
        <p className={notice.ways}>
          <button type="button" disabled={busy} onClick={props.onMore ?? props.onAgain}>
            {busy ? 'Searching' : props.onMore ? 'Look further' : 'Search again'}
          </button>
          <button type="button" onClick={() => props.onChange({ ...without(url, ['from', 'to']), range: '15m' })}>
            Look in the last 15 min
          </button>
        </p>
      </Notice>
    )
  }
  const narrowed = url.from !== undefined || url.min !== undefined || url.max !== undefined
  const wider = without(url, ['from', 'to', 'min', 'max'])
  const causes = url.q ? [] : props.attention.filter(({ severity }) => severity === 'error')
  return (
    <>
      <Notice title="No trace matches">
        <p className={notice.ways}>
          {pages
            .flatMap((page) => page.didYouMean ?? [])
            .map(({ kind, instead, q }) => (
              <button key={q} type="button" onClick={() => props.onChange({ ...url, q })}>
                Did you mean the {kind} {instead}?
              </button>
            ))}
          {(narrowed || url.range !== 'all') && (
            <button type="button" onClick={() => props.onChange({ ...wider, range: 'all' })}>
              Look in all time, without bounds
            </button>
          )}
          {url.q && (
            <button type="button" onClick={() => props.onChange(without(url, ['q']))}>
              Leave out the query
            </button>
          )}
        </p>
      </Notice>
      {causes.length > 0 && (
        <div className={setup.content}>
          <Attention rows={causes} />
        </div>
      )}
    </>
  )
}
