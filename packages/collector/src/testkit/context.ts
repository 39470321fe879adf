import {
  createBudget,
  createCounters,
  StatusTracker,
  type Budget,
  type Context,
  type Ledger,
  type Logger,
} from '../component/index.ts'
import { createLedger } from '../ledger/ledger.ts'

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** A logger that keeps its lines. */
export interface TestLogger extends Required<Logger> {
  readonly lines: readonly LogLine[]
}

export function createTestLogger(): TestLogger {
  const lines: LogLine[] = []
  const at =
    (level: keyof Logger): Logger['info'] =>
    (fields, message) =>
      void lines.push({ level, fields: fields as Record<string, unknown>, message })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), print: at('print') }
}

/**
 * A component's context with a logger that keeps its lines and counters of its own; `status`: what it has reported. `value` sums the counters of a name
 * whose labels match.
 */
export function createTestContext(
  id = 'test',
  budget?: Budget,
): Context & {
  readonly logger: TestLogger
  readonly status: StatusTracker
  readonly ledger: Ledger
  value(name: string, labels?: Record<string, string>): number
} {
  const counters = createCounters()
  const status = new StatusTracker()
  status.to('starting')
  const logger = createTestLogger()
  return {
    ledger: createLedger({ logger, counters }),
    status,
    report: status.to,
    id,
    logger,
    counters,
    budget: budget ?? createBudget(undefined, { counters }),
    value: (name, labels = {}) =>
      counters
        .snapshot()
        .filter(
          (sample) =>
            sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
        )
        .reduce((sum, sample) => sum + sample.value, 0),
  }
}
