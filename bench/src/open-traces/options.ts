import { parseArgs } from 'node:util'

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

function numberOf(name: string, text: string, min: number, max: number): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < min || number > max)
    throw new Error(`--${name} ${text}: not a number from ${min} to ${max}`)
  return number
}
