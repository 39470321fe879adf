import { didYouMean, type Trial } from '@spoor/collector'
import type { Signal } from '@spoor/otlp'
import { SpoorError } from '../error.ts'

/** The receiver that gets requests of a signal: the one that is asked for, or the first that speaks OTLP, or the first. Throws SpoorError `option`. */
export function receiverFor({ receivers }: Trial, signal: Signal, asked: string | undefined): string {
  const able = [...receivers].filter(([, signals]) => signals.includes(signal)).map(([id]) => id)
  if (asked !== undefined && able.includes(asked)) return asked
  if (asked !== undefined) {
    const known = able.length > 0 ? `; there: ${able.join(', ')}` : ''
    throw new SpoorError(
      'option',
      `--receiver: no pipeline takes ${signal} of "${asked}"${didYouMean(asked, able)}${known}`,
    )
  }
  const found = able.find((id) => id.split('/')[0] === 'otlp') ?? able[0]
  if (found === undefined)
    throw new SpoorError('option', `the configuration has no pipeline that takes ${signal} of a receiver`)
  return found
}
