import type { VerdictShare } from '@spoor/trace'
import { formatCount } from '../../format/numbers.ts'

/** How often it was on the critical path: nothing for once, `34 times`, or `in 3 tries` where the last of several went well. */
export function timesText({ spans, failed }: Pick<VerdictShare, 'spans' | 'failed'>): string {
  if (spans < 2) return ''
  return failed > 0 && failed < spans ? `in ${formatCount(spans)} tries` : `${formatCount(spans)} times`
}
