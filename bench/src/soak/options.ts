import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CORPUS_NAMES, type CorpusName } from 'spoor/loadgen'
import { numberOf } from '../command.ts'

/** What `npm run soak` was asked for. */
export interface SoakOptions {
  readonly minutes: number
  readonly corpus: CorpusName
  readonly senders: number
  /** Spans a second; undefined: as many as are taken. */
  readonly rate: number | undefined
  /** As `spoor` takes it; undefined: its default. */
  readonly maxDisk: string | undefined
  /** A data directory that is kept; undefined: one for this run. */
  readonly data: string | undefined
  readonly ask: boolean
}

export const SOAK_USAGE =
  'npm run soak -- [--minutes 60] [--corpus shop|market] [--senders 8] [--rate SPANS] [--max-disk SIZE] [--data DIR] [--no-ask]'

/** @throws Error with what is wrong in a line */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      minutes: { type: 'string', default: '60' },
      corpus: { type: 'string', default: 'shop' },
      senders: { type: 'string', default: '8' },
      rate: { type: 'string' },
      'max-disk': { type: 'string' },
      data: { type: 'string' },
      ask: { type: 'boolean', default: true },
    },
  })
  const corpus = CORPUS_NAMES.find((name) => name === values.corpus)
  if (!corpus) throw new Error(`--corpus ${values.corpus}: one of ${CORPUS_NAMES.join(', ')}`)
  return {
    minutes: numberOf('minutes', values.minutes, 1, 1440),
    corpus,
    senders: numberOf('senders', values.senders, 1, 1000),
    rate: values.rate === undefined ? undefined : numberOf('rate', values.rate, 1, 1e7),
    maxDisk: values['max-disk'],
    data: values.data && resolve(values.data),
    ask: values.ask,
  }
}
