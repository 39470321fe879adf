import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { without } from '../../url/without.ts'
import { selectRow, useTraceStore } from '../trace-view.ts'
import { matchDetails, matchNames, nextMatch } from './find-matches.ts'

const route = getRouteApi('/trace/$id')

/** Milliseconds of decoding at a time, so that a frame is never late. */
const sliceMs = 6

export interface Find {
  readonly text: string
  readonly setText: (text: string) => void
  /** Selects the next (1) or the previous (-1) span that has the text. */
  readonly go: (direction: 1 | -1) => void
  readonly input: RefObject<HTMLInputElement | null>
}

/** Finds text in the trace: names at once, then everything else span by span between frames. The URL holds the text. */
export function useFind(): Find {
  const url = route.useSearch()
  const navigate = useNavigate({ from: '/trace/$id' })
  const store = useTraceStore()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(url.find ?? '')
  const written = useRef(url.find ?? '')
  useEffect(() => {
    // The address has come to ask for something else.
    const asked = url.find ?? ''
    if (asked === written.current) return
    written.current = asked
    setText(asked)
  }, [url.find])
  useEffect(() => {
    const needle = text.trim().toLowerCase()
    const timer = setTimeout(() => {
      if (written.current === text.trim()) return
      written.current = text.trim()
      void navigate({
        replace: true,
        search: (url) => ({ ...without(url, ['find']), ...(needle !== '' && { find: text.trim() }) }),
      })
    }, 250)
    if (needle === '') {
      store.setState({ matches: undefined, looking: false })
      return () => clearTimeout(timer)
    }
    const { trace } = store.getState().loaded
    let matches = matchNames(trace, needle)
    store.setState({ matches, looking: true })
    let row = 0
    let frame = 0
    const work = () => {
      const until = performance.now() + sliceMs
      matches = matches.slice()
      while (row < trace.size && performance.now() < until) {
        const end = Math.min(row + 64, trace.size)
        matchDetails(trace, needle, matches, row, end)
        row = end
      }
      store.setState({ matches, looking: row < trace.size })
      if (row < trace.size) frame = requestAnimationFrame(work)
    }
    frame = requestAnimationFrame(work)
    return () => {
      clearTimeout(timer)
      cancelAnimationFrame(frame)
    }
  }, [text, store, navigate])

  return {
    text,
    setText,
    input,
    go: (direction) => {
      const { matches, selected } = store.getState()
      const row = matches ? nextMatch(matches, selected, direction) : -1
      if (row >= 0) selectRow(store, row)
    },
  }
}
