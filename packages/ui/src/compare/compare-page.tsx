import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Notice } from '../widgets/notice.tsx'

const route = getRouteApi('/compare')

const waiting = () => <Loading label="Loading the comparison" />

const TwoSets = lazyPart(async () => (await import('./sets/two-sets.tsx')).TwoSets, {
  name: 'The comparison',
  waiting,
})

const TwoTraces = lazyPart(async () => (await import('./traces/two-traces.tsx')).TwoTraces, {
  name: 'The comparison',
  waiting,
})

/** What is different: between two traces, or between all that two searches find. */
export function ComparePage() {
  const url = route.useSearch()
  useEffect(() => {
    document.title = 'Compare - Spoor'
  }, [])
  if (url.left && url.right) return <TwoTraces left={url.left} right={url.right} />
  if (Object.keys(url).length > 0) return <TwoSets url={url} />
  return (
    <Notice title="Nothing to compare yet">
      <p>
        On the <Link to="/search">search page</Link>, drag a box over the plot and ask what is different in it, choose
        “compare” above the list, or pick two traces with the space key.
      </p>
    </Notice>
  )
}
