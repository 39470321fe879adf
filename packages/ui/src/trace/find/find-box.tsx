import { useMemo } from 'react'
import { useKeys } from '../../keyboard/use-keys.ts'
import { ChevronDown, ChevronUp, SearchIcon } from '../../widgets/icons.tsx'
import { useTraceView } from '../trace-view.ts'
import styles from './find-box.module.css'
import { countMatches } from './find-matches.ts'
import type { Find } from './use-find.ts'

/** The field that finds text in the trace, with the number of spans that have it. */
export function FindBox({ find }: { find: Find }) {
  const matches = useTraceView((view) => view.matches)
  const looking = useTraceView((view) => view.looking)
  const selected = useTraceView((view) => view.selected)
  const count = useMemo(() => matches && countMatches(matches, selected), [matches, selected])
  const focus = () => find.input.current?.select()
  useKeys('Trace', [
    { help: 'Find in the trace', on: { f: focus, '/': focus, 'ctrl+f': focus } },
    { on: { 'ctrl+b': focus } },
    { help: 'Next, previous match', on: { n: () => find.go(1), N: () => find.go(-1) } },
  ])
  return (
    <div className={styles.box} data-find>
      <SearchIcon />
      <input
        ref={find.input}
        value={find.text}
        placeholder="find"
        aria-label="Find in the trace: service, operation, attribute, span id"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => find.setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') find.go(event.shiftKey ? -1 : 1)
          else if (event.key === 'Escape') {
            if (find.text !== '') find.setText('')
            else event.currentTarget.blur()
          } else return
          event.preventDefault()
        }}
      />
      {count && (
        <span className={styles.count} role="status">
          {count.total === 0 ? (looking ? 'looking' : 'none') : `${count.place || '–'} / ${count.total}`}
        </span>
      )}
      {count && count.total > 0 && (
        <>
          <button type="button" onClick={() => find.go(-1)} aria-label="Previous match" title="Previous (N)">
            <ChevronUp />
          </button>
          <button type="button" onClick={() => find.go(1)} aria-label="Next match" title="Next (n)">
            <ChevronDown />
          </button>
        </>
      )}
    </div>
  )
}
