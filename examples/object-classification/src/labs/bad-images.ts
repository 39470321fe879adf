import { is, most, near } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 11: a client sends what is no image: requests fail, and no service is at fault. */
export const badImages: Lab = {
  number: 11,
  title: 'Whose fault is it?',
  photographs: 24,
  rate: 4,
  draw: (_places, pick) => ({ fault: 'bad_images', at: 'client', parameters: { percent: pick(30, 70) } }),
  ask: () =>
    'Requests fail, though all services are well. How many were refused, how many of these because an image had been cut off, and in which trace for the first time?',
  answer: {
    refused: 'how many requests were refused with 400',
    cut_off: 'how many of these were images once, and are corrupt',
    trace: 'the id of the first trace that was refused',
  },
  solve(spans) {
    const refused = spans.filter(isRefusal)
    // The client says it as well.
    const corrupt = spans.filter(({ message }) => / is corrupt\b/.test(message))
    return {
      refused: near(refused.length > 0 ? refused.length : Number.NaN, 0),
      cut_off: near(new Set(corrupt.map(({ traceId }) => traceId)).size, 0),
      trace: is(most(refused, ({ start }) => -start)?.traceId ?? ''),
    }
  },
}

function isRefusal({ kind, service, attributes }: LabSpan): boolean {
  return kind === 'server' && service === 'preprocessing' && attributes.get('http.response.status_code') === '400'
}
