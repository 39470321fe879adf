import type { Signal } from '@spoor/otlp'
import type { Context } from './component.ts'
import { ITEM_NAMES, type Counter } from './counters.ts'

/** How long drops of the same reason are gathered into one line of the log. */
const LOG_INTERVAL_MS = 10_000

/** One batch, or a part of one, that is lost or handed back. */
export interface Loss {
  readonly signal: Signal
  /** Spans, data points or log records. */
  readonly items: number
  /** The label of the counter: the code of the error, or `shutdown`, `overflow`, `partial_success`. */
  readonly reason: string
  /** What the log says of it: the message of the last one of a line is told. */
  readonly error: string
  /** More labels of the counter of items. */
  readonly labels?: Readonly<Record<string, string>>
  /** The line of the log, where it is not that of the drop log. */
  readonly message?: string
}

/**
 * The account of what a component drops, with figures and log in one place so that they cannot differ. Each loss is counted
 * by reason, in items and in batches (a part of a batch that is lost alone counts as one). The log tells the first at once,
 * then the sum of those that came since, every ten seconds; at the end the totals. So the items of all lines sum up to the
 * totals, and these are the counters.
 */
export interface DropLog {
  add(loss: Loss): void
  /** Tells what was not told yet, and once one line with the totals by reason. Nothing when nothing was dropped. */
  close(): void
}

export interface DropLogOptions {
  /** Names of the counters: `<counter>_spans` and so on for items, `<counter>_batches` for batches. */
  readonly counter: string
  readonly labels: Readonly<Record<string, string>>
  /** The line of the log for a loss. */
  readonly message: string
  /**
   * What happened to the items, in the fields of the log (`dropped_items`): `dropped`, they are lost, or `rejected`, whoever
   * handed them over still has them. Default `dropped`.
   */
  readonly verb?: 'dropped' | 'rejected'
  /** More fields of the log's lines. */
  readonly fields?: object
  /** The counter of the items, where it is not that of the component's signal. */
  readonly items?: (loss: Loss) => Counter
  /** Milliseconds; default 10,000. */
  readonly intervalMs?: number
}

const TOTALS = {
  dropped: 'Data was dropped: the totals since the start.',
  rejected: 'Data was refused, and whoever sent it was told: the totals since the start.',
}

interface Tally {
  items: number
  batches: number
}

interface Reason {
  readonly total: Tally
  /** Since the last line. */
  untold: Tally
  error: string
  message: string
  /** Set while the reason is quiet: it tells what was gathered. */
  timer: NodeJS.Timeout | undefined
}

export function createDropLog(context: Context, options: DropLogOptions): DropLog {
  const { labels, message, verb = 'dropped', fields, intervalMs = LOG_INTERVAL_MS } = options
  const { id, logger, counters } = context
  const reasons = new Map<string, Reason>()
  let closed = false
  const itemsOf =
    options.items ??
    (({ signal, reason, labels: own }: Loss): Counter =>
      counters.counter(`${options.counter}_${ITEM_NAMES[signal]}`, { ...labels, ...own, reason }))

  function tell(name: string, reason: Reason): void {
    const { items, batches } = reason.untold
    reason.untold = none()
    const figures = { [`${verb}_items`]: items, [`${verb}_batches`]: batches }
    logger.warn({ component: id, ...fields, reason: name, error: reason.error, ...figures }, reason.message)
  }

  /** Tells what has come meanwhile, and stays quiet for as long again; with nothing to tell, the next one is told at once. */
  function quiet(name: string, reason: Reason): void {
    reason.timer = setTimeout(() => {
      reason.timer = undefined
      if (reason.untold.batches === 0) return
      tell(name, reason)
      quiet(name, reason)
    }, intervalMs).unref()
  }

  return {
    add(loss) {
      const { items, reason: name, error } = loss
      itemsOf(loss).value += items
      counters.counter(`${options.counter}_batches`, { ...labels, reason: name }).value++
      let reason = reasons.get(name)
      if (!reason) {
        reason = { total: none(), untold: none(), error, message, timer: undefined }
        reasons.set(name, reason)
      }
      for (const tally of [reason.total, reason.untold]) {
        tally.items += items
        tally.batches++
      }
      reason.error = error
      reason.message = loss.message ?? message
      if (reason.timer) return
      tell(name, reason)
      quiet(name, reason)
    },
    close() {
      if (closed || reasons.size === 0) return
      closed = true
      let items = 0
      let batches = 0
      const byReason: Record<string, Tally> = {}
      for (const [name, reason] of reasons) {
        clearTimeout(reason.timer)
        reason.timer = undefined
        if (reason.untold.batches > 0) tell(name, reason)
        byReason[name] = reason.total
        items += reason.total.items
        batches += reason.total.batches
      }
      const figures = { [`total_${verb}_items`]: items, [`total_${verb}_batches`]: batches, reasons: byReason }
      logger.warn({ component: id, ...fields, ...figures }, TOTALS[verb])
    },
  }
}

function none(): Tally {
  return { items: 0, batches: 0 }
}
