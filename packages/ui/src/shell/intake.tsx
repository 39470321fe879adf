import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import { intakeRate, type IntakeSample, intakeView } from './intake-state.ts'
import styles from './shell.module.css'

const HealthPanel = lazy(async () => ({ default: (await import('./health-panel.tsx')).HealthPanel }))

/** The live state of intake: a dot, the rate, and the figures on hover; what is wrong and what mends it behind a click. */
export function Intake() {
  const { data, dataUpdatedAt, isError } = useQuery(statusQuery)
  const previous = useRef<IntakeSample>(undefined)
  const [rate, setRate] = useState<number>()
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    if (!data) return
    const current = { status: data, at: dataUpdatedAt }
    setRate(intakeRate(previous.current, current))
    previous.current = current
  }, [data, dataUpdatedAt])
  const view = intakeView(data, isError, rate)
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
      {isOpen && (
        <Suspense>
          <HealthPanel status={isError ? undefined : data} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
