import type { TailLine, TraceRow } from 'spoor/api'
import { ApiFailure } from '../../api/api-failure.ts'
import { type Parameters } from '../../api/client.ts'
import { getLines } from '../../api/lines.ts'

/** How long is waited before it is asked again, longer each time. Milliseconds. */
const firstWaitMs = 500
const longestWaitMs = 8000

export interface TailListener {
  /** It has begun, for the first time or again: what was stored before is not told. */
  readonly onBegin: () => void
  readonly onRows: (rows: readonly TraceRow[]) => void
  /** So many spans more came and were not looked at. */
  readonly onMissed: (spans: number) => void
  /** It has ended. It is asked for again by itself, but where that is of no use. */
  readonly onBroken: (error: Error) => void
}

/** Listens to what is stored, as long as `signal` is not aborted; a server that goes is come back to. */
export async function followTail(parameters: Parameters, listener: TailListener, signal: AbortSignal): Promise<void> {
  let waitMs = firstWaitMs
  while (!signal.aborted) {
    const failure = await listen(parameters, signal, {
      ...listener,
      onBegin() {
        waitMs = firstWaitMs
        listener.onBegin()
      },
    })
    if (signal.aborted) return
    listener.onBroken(failure)
    if (!failure.isPassing) return
    await passed(waitMs, signal)
    waitMs = Math.min(longestWaitMs, waitMs * 2)
  }
}

/** Resolves with what ended it. */
async function listen(parameters: Parameters, signal: AbortSignal, listener: TailListener): Promise<ApiFailure> {
  let failure = new ApiFailure('ended', 'Spoor has stopped.', { isPassing: true })
  let missed: number | undefined
  const hear = (line: TailLine) => {
    if (line.type === 'traces') listener.onRows(line.traces)
    else if (line.type === 'progress') {
      if (missed === undefined) listener.onBegin()
      if (line.missed > (missed ?? 0)) listener.onMissed(line.missed - (missed ?? 0))
      missed = line.missed
    } else if (line.type === 'error') failure = new ApiFailure(line.error.code, line.error.message, { isPassing: true })
  }
  try {
    await getLines('tail', parameters, signal, (line) => hear(line as TailLine))
  } catch (error) {
    if (!(error instanceof ApiFailure)) return new ApiFailure('cut', String(error), { isPassing: true })
    failure = error
  }
  return failure
}

function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
