import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { CompareResponse } from 'spoor/api'
import { getJson } from '../../api/client.ts'
import { formatCount, formatCounted, formatShare } from '../../format/numbers.ts'
import { narrowedBy } from '../../search/query-text.ts'
import { useSettings } from '../../settings/settings.ts'
import { FailureNotice } from '../../widgets/failure-notice.tsx'
import { Loading } from '../../widgets/loading.tsx'
import { Notice } from '../../widgets/notice.tsx'
import page from '../../widgets/page.module.css'
import { without } from '../../url/without.ts'
import type { CompareUrl } from '../compare-url.ts'
import { compareParameters } from '../questions.ts'
import { type Difference, differenceTerm, keyOf } from './difference-term.ts'
import { searchOf, swapped, timesText } from './sides.ts'
import styles from './two-sets.module.css'

/** What is different in all that B finds from all that A does, counted by the store; the most surprising first. */
export function TwoSets({ url }: { url: CompareUrl }) {
  const parameters = compareParameters(url)
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['compare', parameters],
    queryFn: ({ signal }) => getJson<CompareResponse>('compare', parameters, signal),
    retry: false,
  })
  const unit = url.of === 'spans' ? 'span' : 'request'
  return (
    <div className={page.page}>
      <header className={styles.header}>
        <h1>What is different</h1>
        <nav className={styles.switch} aria-label="What is counted">
          {(['requests', 'spans'] as const).map((of) => (
            <Link
              key={of}
              to="/compare"
              search={{ ...without(url, ['of']), ...(of === 'spans' && { of }) }}
              preload={false}
              activeOptions={{ exact: true }}
              aria-current={(url.of ?? 'requests') === of ? 'true' : undefined}
              title={of === 'requests' ? 'Root spans, with their attributes' : 'All spans that match, with theirs'}
            >
              {of === 'requests' ? 'Requests' : 'All spans'}
            </Link>
          ))}
        </nav>
        {url.rest !== 'true' && (
          <Link to="/compare" search={swapped(url)} preload={false} className={styles.swap}>
            Swap A and B
          </Link>
        )}
      </header>
      <div className={styles.sides}>
        <Side name="B" url={url} side="b" count={data?.b} unit={unit} />
        <Side name="A" url={url} side="a" count={data?.a} unit={unit} />
      </div>
      {error && !data && (
        <FailureNotice title="The comparison failed" error={error} onAgain={() => void refetch()} busy={isFetching} />
      )}
      {!error && !data && <Loading label="Comparing" />}
      {data && !data.complete && (
        <p className={styles.warning} role="status">
          Not complete: stopped after {formatCount(Math.round(data.elapsedMs))} ms, so the numbers are too small.
        </p>
      )}
      {data && data.differences.length === 0 && (
        <Notice title={data.a === 0 || data.b === 0 ? `${data.b === 0 ? 'B' : 'A'} is empty` : 'No difference'}>
          <p>
            {data.a === 0 || data.b === 0
              ? 'There is nothing to compare with. A longer time range, or a larger box, may have something.'
              : 'Nothing differs by more than chance would.'}
          </p>
        </Notice>
      )}
      {data && data.differences.length > 0 && <Differences data={data} url={url} />}
    </div>
  )
}

function Side(props: { name: string; url: CompareUrl; side: 'a' | 'b'; count: number | undefined; unit: string }) {
  const { url, side, count, unit } = props
  const zone = useSettings((settings) => settings.zone)
  const search = searchOf(url, side)
  const isRest = side === 'a' && url.rest === 'true'
  return (
    <p className={styles.side} data-side={side}>
      <b>{props.name}</b>
      <span>{count === undefined ? 'counting' : formatCounted(count, unit)}</span>
      {isRest && <span>all others of</span>}
      <Link to="/search" search={search} preload={false} title="Search for them">
        <code>{search.q ?? 'everything'}</code>, {timesText(search, zone)}
      </Link>
    </p>
  )
}

function Differences({ data, url }: { data: CompareResponse; url: CompareUrl }) {
  return (
    <div className={styles.scroller} role="region" tabIndex={0} aria-label="Differences">
      <table className={styles.table}>
        <caption className="visually-hidden">Values whose share differs, the most surprising first</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col" className={styles.bars}>
              Share of B, and of A
            </th>
            <th scope="col" className={styles.figure}>
              In B
            </th>
            <th scope="col" className={styles.figure}>
              In A
            </th>
            <th
              scope="col"
              className={styles.figure}
              title="The share differs by so much at the least, with 95 % confidence"
            >
              At least
            </th>
          </tr>
        </thead>
        <tbody>
          {data.differences.map((difference) => (
            <Row key={`${keyOf(difference)} ${difference.value}`} difference={difference} data={data} url={url} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ difference, data, url }: { difference: Difference; data: CompareResponse; url: CompareUrl }) {
  const { value, a, b, surprise } = difference
  const [shareA, shareB] = [a / (data.a || 1), b / (data.b || 1)]
  const search = searchOf(url, shareB >= shareA ? 'b' : 'a')
  const q = narrowedBy(search.q ?? '', [differenceTerm(difference)])
  const key = difference.field ?? difference.attribute ?? ''
  return (
    <tr>
      <th scope="row">
        <bdi>{key}</bdi>
        {difference.level && <small> {difference.level}</small>}
      </th>
      <td>
        <Link to="/search" search={{ ...search, q }} preload={false} title={`Search for them: ${q}`}>
          {value === null ? <i>none</i> : <bdi>{value || '""'}</bdi>}
        </Link>
      </td>
      <td className={styles.bars}>
        <Bar side="b" share={shareB} />
        <Bar side="a" share={shareA} />
      </td>
      <td className={styles.figure}>{formatCount(b)}</td>
      <td className={styles.figure}>{formatCount(a)}</td>
      <td className={styles.figure}>
        {shareB >= shareA ? '+' : '−'}
        {formatShare(surprise)}
      </td>
    </tr>
  )
}

function Bar({ side, share }: { side: 'a' | 'b'; share: number }) {
  return (
    <span className={styles.bar} data-side={side}>
      <i style={{ width: `${share * 100}%` }} />
      <span>{formatShare(share)}</span>
    </span>
  )
}
