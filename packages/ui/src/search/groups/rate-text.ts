import { formatRate } from '../../format/numbers.ts'

/** `3.1/s`; `< 0.1/s` where it would round to nothing. */
export const rateText = (perSecond: number) =>
  perSecond > 0 && perSecond < 0.05 ? '< 0.1/s' : `${formatRate(perSecond)}/s`
