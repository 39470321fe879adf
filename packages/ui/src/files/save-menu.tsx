import { useState } from 'react'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { DownloadIcon } from '../widgets/icons.tsx'
import { MenuButton } from '../widgets/menu-button.tsx'
import notice from '../widgets/notice.module.css'
import { useTraceView } from '../trace/trace-view.ts'
import { hasServer } from './opened-files.ts'
import type { TraceForm } from './save-trace.ts'

const forms: readonly (readonly [form: TraceForm, label: string])[] = [
  ['html', 'One HTML file that shows it, to send to somebody'],
  ['otlp-json', 'OTLP JSON'],
  ['otlp', 'OTLP protobuf'],
  ['jaeger-json', 'Jaeger JSON'],
]

/** Saves the trace as a file. */
export function SaveMenu({ className }: { className: string | undefined }) {
  const loaded = useTraceView((view) => view.loaded)
  const [failed, setFailed] = useState<{ readonly form: TraceForm; readonly error: Error }>()
  const save = async (form: TraceForm) => {
    setFailed(undefined)
    try {
      const { saveTrace } = await import('./save-trace.ts')
      await saveTrace(loaded, form)
    } catch (error) {
      setFailed({ form, error: error as Error })
    }
  }
  return (
    <>
      <MenuButton
        label={<DownloadIcon />}
        title="Download and share"
        align="end"
        className={className}
        // A page that is such a file has nothing that it could make another of.
        items={forms
          .filter(([form]) => form !== 'html' || hasServer())
          .map(([form, label]) => ({ key: form, label, onSelect: () => void save(form) }))}
      />
      {failed && (
        <div className={notice.floating}>
          <FailureNotice title="The trace cannot be saved" error={failed.error} onAgain={() => void save(failed.form)}>
            <button type="button" onClick={() => setFailed(undefined)}>
              Close
            </button>
          </FailureNotice>
        </div>
      )}
    </>
  )
}
