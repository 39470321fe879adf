import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { rowOfSpanId, spanIdOf } from '@spoor/trace'
import { useEffect, useLayoutEffect, useRef } from 'react'
import { without } from '../url/without.ts'
import { onSettled } from './on-settled.ts'
import { selectRow, useTraceStore } from './trace-view.ts'

const route = getRouteApi('/trace/$id')

/** How long a selection rests before the URL follows it: moving with the keys should not write a hundred addresses. Milliseconds. */
const settleMs = 150

/** Keeps the selected row and the `span` of the URL the same, whichever changes. */
export function useSelectedSpan(): void {
  const { span } = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  const store = useTraceStore()
  // The id that both sides agreed on last: a URL that comes back to us with it is no news, even when the selection has moved on.
  const agreed = useRef<string>(undefined)

  useLayoutEffect(() => {
    const { selected, loaded } = store.getState()
    const isNews = span !== agreed.current || (span !== undefined && selected < 0)
    agreed.current = span
    if (isNews) selectRow(store, span ? rowOfSpanId(loaded.trace, span) : -1)
  }, [span, store])

  useEffect(() => {
    const write = () => {
      const { selected, loaded } = store.getState()
      const id = selected >= 0 ? spanIdOf(loaded.trace, selected) : undefined
      if (id === agreed.current) return
      agreed.current = id
      void navigate({
        replace: true,
        search: (url) => ({ ...without(url, ['span']), ...(id !== undefined && { span: id }) }),
      })
    }
    // What was selected right before another trace took the place of the one before is in no address yet.
    if (store.getState().selected >= 0) write()
    return onSettled(store, settleMs, (view, before) => view.selected !== before.selected, write)
  }, [store, navigate])
}
