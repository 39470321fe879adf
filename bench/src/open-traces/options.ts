import { parseArgs } from 'node:util'
import { numberOf } from '../command.ts'

/** What `npm run open-traces` was asked for. */
export interface OpenTracesOptions {
  /** Traces that are open at a time. */
  readonly traces: number
  /** Of those with few and with all open, in turns. */
  readonly runs: number
  readonly kill: boolean
}

export const OPEN_TRACES_USAGE = 'npm run open-traces -- [--traces 1000000] [--runs 3] [--no-kill]'

/** @throws Error with what is wrong in a line */
export function readOpenTracesOptions(args: readonly string[]): OpenTracesOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      traces: { type: 'string', default: '1000000' },
      runs: { type: 'string', default: '3' },
      kill: { type: 'boolean', default: true },
    },
  })
  return {
    traces: numberOf('traces', values.traces, 10_000, 10_000_000),
    runs: numberOf('runs', values.runs, 1, 100),
    kill: values.kill,
  }
}
