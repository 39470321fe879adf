import type { ErrorGroupRow } from 'spoor/api'

type Words = Pick<ErrorGroupRow, 'type' | 'message'>

/** Whether an error says anything of itself. Spans that fail as what they have called did often do not. */
export const isTold = ({ type, message }: Words) => Boolean(type || message)

/** The errors in their order, those that say nothing last: they are the most where a failure is passed on, and lead nowhere. */
export function toldFirst<T extends Words>(groups: readonly T[]): T[] {
  return groups.toSorted((a, b) => Number(isTold(b)) - Number(isTold(a)))
}
