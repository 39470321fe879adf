import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import notice from '../widgets/notice.module.css'
import { FailureNotice } from '../widgets/failure-notice.tsx'
import { OpenIcon } from '../widgets/icons.tsx'
import shell from '../shell/shell.module.css'
import styles from './files.module.css'
import { openFile } from './open-file.ts'

type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'over' }
  | { readonly kind: 'reading'; readonly name: string }
  | { readonly kind: 'failed'; readonly file: File; readonly error: Error }

/** Opens a trace file that is dropped anywhere on the page, or picked: it is shown at once, and goes nowhere. */
export function FileOpener() {
  const picker = useRef<HTMLInputElement>(null)
  const [state, setState] = useState<State>({ kind: 'waiting' })
  const navigate = useNavigate()
  const client = useQueryClient()

  const read = async (file: File) => {
    setState({ kind: 'reading', name: file.name })
    try {
      const { name, traces } = await openFile(file, AbortSignal.timeout(600_000))
      // Of another file with that name.
      void client.resetQueries({ queryKey: ['trace', name] })
      setState({ kind: 'waiting' })
      const [first] = traces
      if (first && traces.length === 1) {
        await navigate({ to: '/trace/$id', params: { id: first.traceId }, search: { file: name } })
      } else await navigate({ to: '/file', search: { name } })
    } catch (error) {
      setState({ kind: 'failed', file, error: error as Error })
    }
  }
  const latest = useRef(read)
  latest.current = read

  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const over = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      setState((before) => (before.kind === 'reading' ? before : { kind: 'over' }))
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setState((before) => (before.kind === 'over' ? { kind: 'waiting' } : before))
    }
    const drop = (event: DragEvent) => {
      if (!hasFile(event)) return
      event.preventDefault()
      const file = event.dataTransfer?.files[0]
      if (file) void latest.current(file)
    }
    addEventListener('dragover', over)
    addEventListener('dragleave', leave)
    addEventListener('drop', drop)
    return () => {
      removeEventListener('dragover', over)
      removeEventListener('dragleave', leave)
      removeEventListener('drop', drop)
    }
  }, [])

  return (
    <>
      <button
        type="button"
        className={shell.icon}
        aria-label="Open a trace file"
        title="Open a trace file: OTLP JSON or protobuf, Jaeger JSON. Or drop one anywhere"
        onClick={() => picker.current?.click()}
      >
        <OpenIcon />
      </button>
      <input
        ref={picker}
        type="file"
        hidden
        accept=".json,.jsonl,.ndjson,.pb,.binpb,.bin,.gz,.otlp"
        onChange={({ target }) => {
          const file = target.files?.[0]
          // The same one may be picked again.
          target.value = ''
          if (file) void read(file)
        }}
      />
      {(state.kind === 'over' || state.kind === 'reading') && (
        <div className={styles.over} role="status">
          {state.kind === 'over' ? 'Drop it: it is shown here, and goes nowhere else' : `Reading ${state.name}`}
        </div>
      )}
      {state.kind === 'failed' && (
        <div className={notice.floating}>
          <FailureNotice title="The file cannot be opened" error={state.error} onAgain={() => void read(state.file)}>
            <button type="button" onClick={() => setState({ kind: 'waiting' })}>
              Close
            </button>
          </FailureNotice>
        </div>
      )}
    </>
  )
}
