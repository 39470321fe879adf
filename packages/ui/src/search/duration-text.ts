import { formatGoDuration } from '@spoor/otlp'

/**
 * A duration as the URL and the query have it, with two sensible digits, away from what it should include: `down` for a lower bound, `up` for an
 * upper one. `143.2 ms` down is `140ms`.
 */
export function shortDuration(ns: number, towards: 'down' | 'up'): string {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ns))) - 1)
  const rounded = (towards === 'down' ? Math.floor(ns / step) : Math.ceil(ns / step)) * step
  return formatGoDuration(Math.max(towards === 'down' ? 0 : 1, Math.round(rounded)))
}
