import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import { intakeRate, type IntakeSample, intakeView } from './intake-state.ts'
import { lazyPart } from '../widgets/lazy-part.tsx'
import styles from './shell.module.css'

const HealthPanel = lazyPart(async () => (await import('./health-panel.tsx')).HealthPanel, {
  name: 'The state of the store',
  floating: { onClose: (props) => props.onClose() },
})

/** The live state of intake: a dot, the rate, and the figures on hover; what is wrong and what mends it behind a click. */
export function Intake() {
  const { data, dataUpdatedAt, error } = useQuery(statusQuery)
  const previous = useRef<IntakeSample>(undefined)
  const [rate, setRate] = useState<number>()
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    if (!data) return
    const current = { status: data, at: dataUpdatedAt }
    setRate(intakeRate(previous.current, current))
    previous.current = current
  }, [data, dataUpdatedAt])
  const client = useQueryClient()
  const failed = useRef(false)
  useEffect(() => {
    // Once Spoor answers again, what failed meanwhile is asked again, so that nobody has to.
    if (failed.current && !error) {
      void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' })
    }
    failed.current = error !== null
  }, [client, error])
  const view = intakeView(data, error, rate)
  return (
    <>
      <button
        type="button"
        className={styles.intake}
        title={view.detail.join('\n')}
        aria-label={`Intake and store: ${view.label}`}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <span className={styles.dot} data-state={view.state} />
        {view.label}
      </button>
      {isOpen && <HealthPanel status={error ? undefined : data} onClose={() => setOpen(false)} />}
    </>
  )
}
