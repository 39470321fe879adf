import type { StatusResponse } from 'spoor/api'

/** What is wrong now, in words; empty when nothing is. `code`: the event that tells of it, where only one kind does. */
export function reasonsOf({ health, refusing }: Pick<StatusResponse, 'health' | 'refusing'>): {
  readonly text: string
  readonly code?: 'damaged'
}[] {
  const reasons: { text: string; code?: 'damaged' }[] = health.reasons.map((text) => ({ text }))
  if (refusing && !health.reasons.some((reason) => reason.includes(refusing))) {
    reasons.push({ text: `Spans are refused: ${refusing}` })
  }
  const pieces = health.damagedPieces
  if (pieces > 0) {
    const first = health.recent.findLast(({ code }) => code === 'damaged')
    const many = `${pieces} stored ${pieces === 1 ? 'piece is' : 'pieces are'} damaged`
    const text = first ? (pieces === 1 ? first.text : `${many}; the first: ${first.text}`) : many
    reasons.push({ text, code: 'damaged' })
  }
  return reasons
}
