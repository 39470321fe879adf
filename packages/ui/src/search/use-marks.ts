import type { TraceRow } from 'spoor/api'
import { useState } from 'react'
import { useKeys } from '../keyboard/use-keys.ts'

/** What a person has marked in the list of traces. */
export interface Marks {
  /** Place of the trace that is selected, -1 none. It is a trace, not a place: what comes meanwhile does not move it. */
  readonly selected: number
  /** Ids of those to be compared, two at most. */
  readonly picked: readonly string[]
  readonly pick: (id: string) => void
}

/** The marks, and the keys that set them. */
export function useMarks(
  rows: readonly TraceRow[],
  act: { open: (id: string) => void; compare: (picked: readonly string[]) => void },
): Marks {
  const [selectedId, setSelectedId] = useState<string>()
  const [picked, setPicked] = useState<readonly string[]>([])
  const selected = selectedId === undefined ? -1 : rows.findIndex((row) => row.traceId === selectedId)
  const select = (index: number) => {
    setSelectedId(rows[index]?.traceId)
    // Enter is then for the trace, and not for the button that was pressed before.
    if (document.activeElement instanceof HTMLButtonElement) document.activeElement.blur()
  }
  /** A third takes the place of the first. */
  const pick = (id: string) =>
    setPicked((before) => (before.includes(id) ? before.filter((other) => other !== id) : [...before, id].slice(-2)))
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
          if (row) act.open(row.traceId)
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
        c: () => picked.length === 2 && act.compare(picked),
      },
    },
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
  return { selected, picked, pick }
}
