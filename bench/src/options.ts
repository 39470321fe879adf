import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { StoreOptions } from './context.ts'
import { defaultPeersFolder } from './peers/place.ts'

/** What `npm run bench` was asked for. */
export interface Options {
  /** Sections by name; undefined: all of the run's form. */
  readonly only: readonly string[] | undefined
  readonly quick: boolean
  /** Interleaved runs of each; undefined: those of the run's form. */
  readonly runs: number | undefined
  readonly write: boolean
  readonly json: string | undefined
  /** Where the peers are looked for. */
  readonly peers: string
  readonly store: StoreOptions
}

export const USAGE =
  'npm run bench -- [--only SECTION,…] [--quick] [--runs N] [--write] [--json FILE] [--peers DIR] [--spans N] [--data DIR [--fill]]'

/**
 * Reads the command's arguments.
 *
 * @param names of the sections that there are
 * @throws Error with what is wrong in a line
 */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      write: { type: 'boolean', default: false },
      json: { type: 'string' },
      peers: { type: 'string' },
      spans: { type: 'string', default: '1M' },
      data: { type: 'string' },
      fill: { type: 'boolean', default: false },
    },
  })
  const only = values.only?.split(',')
  const unknown = only?.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: there is no such section; there are ${names.join(', ')}`)
  if (values.write && only) throw new Error('--write takes the results of a whole run: leave out --only')
  if (values.fill && values.data === undefined) throw new Error('--fill needs a place: --data DIR')
  return {
    only,
    quick: values.quick,
    runs: values.runs === undefined ? undefined : readRuns(values.runs),
    write: values.write,
    json: values.json,
    peers: resolve(values.peers ?? defaultPeersFolder()),
    store: { spans: readSpans(values.spans), folder: values.data && resolve(values.data), fillOnly: values.fill },
  }
}

function readRuns(text: string): number {
  const runs = Number(text)
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error(`--runs ${text}: not a number from 1 to 100`)
  return runs
}

/** `300000`, `300k` or `10M`. */
function readSpans(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kM]?)$/.exec(text) ?? []
  if (digits === undefined) throw new Error(`--spans ${text}: not a number of spans, as 300k or 10M`)
  return Number(digits) * ({ k: 1e3, M: 1e6 }[unit] ?? 1)
}
