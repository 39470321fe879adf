import { is, most, near } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 12: messages that can never be stored: tried again and again, and put aside. Nobody who has sent one hears of it. */
export const poisonMessage: Lab = {
  number: 12,
  title: 'What never arrives?',
  photographs: 20,
  rate: 3,
  draw: (_places, pick) => ({
    fault: 'poison_message',
    at: 'ensemble',
    parameters: { percent: pick(25, 55) },
  }),
  ask: () =>
    'All photographs are classified, and some of the results are not in the database. How many, with which code does the database refuse them, which one was put aside first, and how long after it had been sent?',
  answer: {
    lost: 'how many results were put aside',
    code: 'the code that the database answers with, five characters',
    trace: 'the id of the trace of the one that was put aside first',
    ms: 'the time from the start of its "send results" to the end of the last attempt, in milliseconds, within 2 %',
  },
  solve(spans) {
    const lost = spans.filter(({ attributes }) => attributes.get('message.outcome') === 'dead_letter')
    const first = most(lost, ({ end }) => -end)
    const work = new Set(spans.filter(({ parentId }) => parentId === first?.spanId).map(({ spanId }) => spanId))
    const refused = spans.find((span) => isRefusal(span) && work.has(span.parentId))
    const sent = spans.find(({ spanId }) => spanId === first?.parentId)
    return {
      lost: near(lost.length > 0 ? lost.length : Number.NaN, 0),
      code: is(refused?.attributes.get('db.response.status_code') ?? ''),
      trace: is(first?.traceId ?? ''),
      ms: near(first && sent ? first.end - sent.start : Number.NaN, 0.02),
    }
  },
}

function isRefusal({ attributes }: LabSpan): boolean {
  return attributes.has('db.response.status_code')
}
