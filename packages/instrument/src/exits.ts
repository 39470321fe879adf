import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import { type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Delivery } from './delivery.ts'
import { sendLast } from './last-send.ts'
import type { Settings } from './settings.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof signals)[number]

/** How long an export that is under way may take to be answered after a signal, so that its spans are not sent twice. */
const graceMs = 250

/**
 * Sees to it that ended spans are sent on each way out of a process, and changes none of them:
 *
 * - **End of the script, `process.exit()`, an uncaught exception, an unhandled rejection**: all emit `exit`, where the
 *   rest is sent synchronously. Node's own behaviour, message and exit code stay as they are.
 * - **SIGINT, SIGTERM, SIGHUP**: a listener of the application is left alone; whatever it does ends in `exit`. When
 *   there is none, the rest is sent and the signal raised again, so that the process dies of the signal as it would
 *   have. A second signal ends it at once.
 * - **A crash** also ends the span in whose context the error was thrown, and those above it, with status ERROR and the
 *   exception, so that the request that killed the process can be seen.
 *
 * `lastHeaders`: those of the last request; where there are some, one is sent though there is no span.
 *
 * SIGKILL, `process.abort()`, `worker.terminate()` and a crash of the runtime lose what had not been sent. As with any signal listener, a
 * signal waits until the event loop turns: a script in an endless loop no longer ends at Ctrl-C. An export that was
 * under way at `process.exit()` is sent again, because nobody can tell any more whether it arrived.
 */
export function handleExits(
  delivery: Delivery,
  settings: Settings,
  sayGoodbye: () => void,
  lastHeaders: (exitCode: number) => Readonly<Record<string, string>> | undefined,
): () => void {
  function sendRest(exitCode?: number): void {
    const batches = delivery.takePending()
    const more = lastHeaders(typeof exitCode === 'number' ? exitCode : 0)
    if (batches.length > 0 || more) {
      const { exporter, exitDeadlineMs } = settings
      const target = more ? { ...exporter, headers: { ...exporter.headers, ...more } } : exporter
      const { accepted, failure } = sendLast(batches, target, exitDeadlineMs)
      delivery.settleLastSend(batches, accepted, failure)
    }
    sayGoodbye()
  }

  // Other listeners may end spans: this one moves to the end whenever one is added.
  function stayLast(event: string | symbol, listener: unknown): void {
    if (event !== 'exit' || listener === sendRest) return
    queueMicrotask(() => {
      if (process.listeners('exit').includes(sendRest)) process.off('exit', sendRest).on('exit', sendRest)
    })
  }

  function onCrash(error: Error): void {
    // With a handler of its own the application goes on, and so do its spans.
    if (process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()) return
    endCrashedSpans(delivery, error)
  }

  const uninstallSignals = isMainThread ? handleSignals(delivery, sendRest) : () => {}
  process.on('exit', sendRest)
  process.on('newListener', stayLast)
  process.on('uncaughtExceptionMonitor', onCrash)
  return () => {
    uninstallSignals()
    process.off('exit', sendRest)
    process.off('newListener', stayLast)
    process.off('uncaughtExceptionMonitor', onCrash)
  }
}

function handleSignals(delivery: Delivery, sendRest: () => void): () => void {
  let dying = false

  function onSignal(signal: Signal): void {
    if (process.listenerCount(signal) - 1 > politeListeners()) return
    if (dying) {
      raiseAgain(signal)
      return
    }
    dying = true
    void Promise.race([delivery.settled(), delay(graceMs)]).then(() => {
      sendRest()
      raiseAgain(signal)
    })
  }

  function uninstall(): void {
    for (const signal of signals) process.off(signal, onSignal)
  }

  function raiseAgain(signal: Signal): void {
    uninstall()
    process.kill(process.pid, signal)
  }

  for (const signal of signals) process.on(signal, onSignal)
  return uninstall
}

/**
 * Listeners of the signal-exit package, versions 3 and 4. It acts only when no listener but its own is there, so to
 * count it as the application's would leave a process that nobody ends.
 */
function politeListeners(): number {
  const version3 = (process as { __signal_exit_emitter__?: { count?: number } }).__signal_exit_emitter__
  const version4 = (globalThis as Record<symbol, { count?: number } | undefined>)[Symbol.for('signal-exit emitter')]
  return (version3?.count ?? 0) + (version4?.count ?? 0)
}

function endCrashedSpans(delivery: Delivery, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  let span: Span | undefined = trace.getActiveSpan()
  if (span?.isRecording()) span.recordException(error instanceof Error ? error : message)
  while (span) {
    const parent = delivery.open.parentOf(span)
    if (span.isRecording()) {
      span.setStatus({ code: SpanStatusCode.ERROR, message })
      span.end()
    }
    span = parent
  }
}
