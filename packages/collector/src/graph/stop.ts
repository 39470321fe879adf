/** The end of one component. */
import { CollectorError, timerMs, type Logger } from '../component/index.ts'
import type { Node } from './node.ts'

/** How long after its signal a component may still take before it is left behind. Milliseconds. */
const GRACE_MS = 250
/** What each component gets even when the time is over, to count what it has to give up. Milliseconds. */
const LAST_CHANCE_MS = 20

/** Shuts it down. Its signal aborts `deadlineMs` milliseconds after `begin`, of `performance.now()`; shortly after that it is left behind. */
export async function stopNode(node: Node, begin: number, deadlineMs: number, logger: Logger): Promise<void> {
  const leftMs = begin + deadlineMs - performance.now()
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), timerMs(Math.max(0, leftMs)))
  const graceMs = Math.max(LAST_CHANCE_MS, Math.min(leftMs, 0) + GRACE_MS)
  await stopNodeBy(node, deadline.signal, logger, graceMs)
  clearTimeout(timer)
}

/** The same with a signal of the caller's. */
export async function stopNodeBy(node: Node, signal: AbortSignal, logger: Logger, graceMs = GRACE_MS): Promise<void> {
  node.state = 'stopped'
  node.status.to('stopping')
  try {
    await withGrace(node.component.shutdown(signal), signal, graceMs)
    node.status.to('stopped')
  } catch (error) {
    node.status.to('permanent_error', (error as Error).message)
    logger.error({ component: node.id, error: (error as Error).message }, 'Shutdown failed')
  }
}

/** After its shutdown: the totals of what it dropped, and no figures any more. */
export function finishNode({ id, component, gauges }: Node, logger: Logger): void {
  try {
    component.finish?.()
  } catch (error) {
    logger.error({ component: id, error: (error as Error).message }, 'Shutdown failed')
  }
  gauges.remove()
}

/** The component's own shutdown, or an error when it goes on so long after its signal. */
async function withGrace(shutdown: Promise<void>, signal: AbortSignal, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new AbortController()
  const late = new Promise<never>((_, reject) => {
    const start = (): void => {
      timer = setTimeout(() => reject(new CollectorError('timeout', 'it was not done at its deadline')), graceMs)
    }
    if (signal.aborted) start()
    else signal.addEventListener('abort', start, { once: true, signal: over.signal })
  })
  try {
    await Promise.race([shutdown, late])
  } finally {
    over.abort()
    clearTimeout(timer)
  }
}
