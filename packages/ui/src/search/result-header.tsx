import { formatDuration, parseGoDuration } from '@spoor/otlp'
import type { SearchResponse } from 'spoor/api'
import type { SearchSoFar } from '../api/search.ts'
import { formatCount, formatCounted } from '../format/numbers.ts'
import { without } from '../url/without.ts'
import { CloseIcon } from '../widgets/icons.tsx'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { MenuButton } from '../widgets/menu-button.tsx'
import { type Order, orders, type SearchUrl } from './search-url.ts'
import styles from './search-page.module.css'

const ListTools = lazyPart(async () => (await import('./list-tools/list-tools.tsx')).ListTools, {
  name: 'What can be done with the list',
})

const orderNames: Readonly<Record<Order, string>> = {
  newest: 'newest',
  oldest: 'oldest',
  longest: 'longest',
  shortest: 'shortest',
  longest_tail: 'longest tail',
  longest_match: 'longest match',
  most_spans: 'most spans',
  most_errors: 'most errors',
}

/** How many there are, in which order, what bounds them, and what the search took. */
export function ResultHeader(props: {
  url: SearchUrl
  onChange: (url: SearchUrl) => void
  pages: readonly SearchResponse[] | undefined
  /** A search that has not ended. */
  soFar: SearchSoFar | undefined
  shown: number
  /** Why the rows that are shown could not be brought up to date. */
  failure: Error | undefined
  onAgain: () => void
  /** How many are picked to be compared. */
  picked: number
  onComparePicked: () => void
}) {
  const { url, pages } = props
  const last = pages?.at(-1)
  const order = url.order ?? 'newest'
  const { min, max } = url
  const count = last?.next === undefined ? formatCounted(props.shown, 'trace') : `${formatCount(props.shown)}+ traces`
  const scanned = pages?.reduce((sum, page) => sum + page.spansScanned, 0) ?? 0
  const elapsed = pages?.reduce((sum, page) => sum + page.elapsedMs, 0) ?? 0
  return (
    <div className={styles.header}>
      <span className={styles.count} aria-live="polite">
        {props.soFar ? searching(props.soFar) : pages ? count : 'Searching'}
      </span>
      <MenuButton
        label={orderNames[order]}
        title="Order"
        items={orders.map((choice) => ({
          key: choice,
          label: orderNames[choice],
          checked: choice === order,
          onSelect: () =>
            props.onChange(
              choice === 'newest' ? without(url, ['order']) : { ...without(url, ['live']), order: choice },
            ),
        }))}
      />
      {pages && <ListTools url={url} onChange={props.onChange} />}
      {props.picked > 0 && (
        <button type="button" className={styles.chip} disabled={props.picked < 2} onClick={props.onComparePicked}>
          {props.picked < 2 ? 'A · pick another with space' : 'Compare A with B (c)'}
        </button>
      )}
      {(min ?? max) && (
        <button
          type="button"
          className={styles.chip}
          onClick={() => props.onChange(without(url, ['min', 'max']))}
          title="Take this bound away"
        >
          {boundsText(min, max)} <CloseIcon />
        </button>
      )}
      {props.failure && (
        <>
          <span className={styles.warning} role="status" title={props.failure.message}>
            Not up to date: {props.failure.message}
          </span>
          <button type="button" className={styles.again} onClick={props.onAgain}>
            Try again
          </button>
        </>
      )}
      {pages?.some((page) => !page.complete) && (
        <span className={styles.warning} role="status">
          Stopped after {formatCount(Math.round(elapsed))} ms: there may be more. A shorter time range or a service
          makes it quicker.
        </span>
      )}
      <span className={styles.cost}>
        {pages &&
          scanned > 0 &&
          `${formatCounted(scanned, 'span')} looked at in ${formatCount(Math.max(1, Math.round(elapsed)))} ms`}
      </span>
    </div>
  )
}

/** What is known of a search on its way. */
function searching({ traces, share, spansScanned }: SearchSoFar): string {
  if (share === undefined) return 'Searching'
  const found = traces.length > 0 ? `${formatCounted(traces.length, 'trace')} so far, ` : ''
  return `Searching: ${found}${Math.floor(share * 100)} %, ${formatCounted(spansScanned, 'span')} looked at`
}

function boundsText(min: string | undefined, max: string | undefined): string {
  if (min && max) return `${readable(min)} – ${readable(max)}`
  return min ? `at least ${readable(min)}` : `at most ${readable(max ?? '')}`
}

/** A duration of the URL for people; what cannot be read stays as it is, and the server says why. */
function readable(text: string): string {
  try {
    return formatDuration(parseGoDuration(text))
  } catch {
    return text
  }
}
