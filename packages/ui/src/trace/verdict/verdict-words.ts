import { formatDuration } from '@spoor/otlp'
import type { ClockShift, VerdictShare } from '@spoor/trace'
import { formatCount } from '../../format/numbers.ts'

/**
 * How often it was on the critical path: nothing for once, `34 times`, `34 times, 2 failed`, or `in 3 tries`: of those one alone went well, so that the
 * others were tries of it.
 */
export function timesText({ spans, failed }: Pick<VerdictShare, 'spans' | 'failed'>): string {
  if (spans < 2) return ''
  if (failed === 0 || failed === spans) return `${formatCount(spans)} times`
  return failed === spans - 1
    ? `in ${formatCount(spans)} tries`
    : `${formatCount(spans)} times, ${formatCount(failed)} failed`
}

/** Clocks that a title names. */
const mostClocks = 12

/** `stock on node-3: 1.10 s behind`, a line for each clock. */
export function clocksText(clocks: readonly ClockShift[]): string {
  const lines = clocks.slice(0, mostClocks).map(({ service, host, aheadNs }) => {
    const where = host === '' ? service : `${service} on ${host}`
    return `${where}: ${formatDuration(Math.abs(aheadNs))} ${aheadNs > 0 ? 'ahead' : 'behind'}`
  })
  const more = clocks.length - lines.length
  return [...lines, ...(more > 0 ? [`and ${formatCount(more)} more`] : [])].join('\n')
}
