import type { KeepOptions } from '@spoor/storage'
import { ageOf, type OptionValue, textOf } from './cli-values.ts'
import { SpoorError } from './error.ts'

const WHAT = ['errors', 'slow', 'pinned'] as const
const DEFAULT_PERCENTILE = 99
/** A percentage of `--max-disk` that may be kept longer, at most. */
const MAX_SHARE = 50
/** Options that say how, and have no effect without `--keep`. */
const HOW = { 'keep-slower-than': 'keepSlowerThan', 'keep-age': 'keepAge', 'keep-share': 'keepShare' } as const

/** What `--keep` and what goes with it say; undefined without it. Throws SpoorError `option`. */
export function keepOf(options: Readonly<Record<string, OptionValue>>): KeepOptions | undefined {
  const text = textOf('keep', options['keep'])
  if (text === undefined) {
    for (const [option, name] of Object.entries(HOW))
      if (options[name] !== undefined)
        throw new SpoorError('option', `--${option} has no effect without --keep: add --keep errors,slow,pinned`)
    return undefined
  }
  const what = text.split(',').map((one) => one.trim())
  for (const one of what)
    if (!WHAT.some((known) => known === one))
      throw new SpoorError('option', `--keep: "${one}" is not one of ${WHAT.join(', ')}`)
  if (options['keepSlowerThan'] !== undefined && !what.includes('slow'))
    throw new SpoorError('option', '--keep-slower-than has no effect without slow: add it to --keep')
  const slowerThan = numberOf(
    'keep-slower-than',
    options['keepSlowerThan'],
    /^p?(\d+(?:\.\d+)?)$/i,
    100,
    'a percentile, as p99 or p99.9',
  )
  const percent = numberOf(
    'keep-share',
    options['keepShare'],
    /^(\d+(?:\.\d+)?)\s*%$/,
    MAX_SHARE + 1e-9,
    'a share, as 20%; at most 50%',
  )
  const maxAgeMs = ageOf('keep-age', options['keepAge'])
  const ageMs = ageOf('max-age', options['maxAge'])
  if (maxAgeMs !== undefined && ageMs !== undefined && maxAgeMs <= ageMs)
    throw new SpoorError('option', '--keep-age must be longer than --max-age: what is kept longer is kept for that')
  return {
    errors: what.includes('errors'),
    pinned: what.includes('pinned'),
    ...(what.includes('slow') && { slowerThan: slowerThan ?? DEFAULT_PERCENTILE }),
    ...(maxAgeMs !== undefined && { maxAgeMs }),
    ...(percent !== undefined && { share: percent / 100 }),
  }
}

/** Greater than 0 and less than `below`. */
function numberOf(
  option: string,
  value: OptionValue,
  form: RegExp,
  below: number,
  example: string,
): number | undefined {
  if (value === undefined) return undefined
  const number = Number(form.exec(String(value))?.[1])
  if (!(number > 0 && number < below)) throw bad(option, value, example)
  return number
}

function bad(option: string, value: OptionValue, want: string): SpoorError {
  return new SpoorError('option', `--${option}: "${String(value)}" is not ${want}`)
}
