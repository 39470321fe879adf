import { parseGoDuration } from '@spoor/otlp'

/** The units that a Go duration lacks. */
const DAYS = /^(\d+(?:\.\d+)?)(d|w)/
const DAY_NS = 86_400e9

/** Nanoseconds of a Go duration, with `d` and `w` before it or alone: `14d`, `2w`, `36h`, `1d12h`. Undefined for what is none. */
export function timeSpanNs(text: string): number | undefined {
  let rest = text.trim()
  let ns = 0
  for (let match = DAYS.exec(rest); match; match = DAYS.exec(rest)) {
    ns += Number(match[1]) * DAY_NS * (match[2] === 'w' ? 7 : 1)
    rest = rest.slice(match[0].length)
    if (rest === '') return ns
  }
  try {
    return ns + parseGoDuration(rest)
  } catch {
    return undefined
  }
}
