import { encodeTraces } from '@spoor/otlp'
import { buildTrace } from '@spoor/trace'
import { describe, expect, it } from 'vitest'
import { countMatches, matchDetails, matchNames, nextMatch } from './find-matches.ts'

const span = (id: number, name: string, attributes: { key: string; value: { type: 'int'; value: bigint } }[] = []) => ({
  traceId: 'a'.repeat(32),
  spanId: id.toString(16).padStart(16, '0'),
  traceState: '',
  parentSpanId: id === 1 ? '' : '0000000000000001',
  flags: 0,
  name,
  kind: 1,
  startTimeUnixNano: BigInt(id),
  endTimeUnixNano: 100n,
  attributes,
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 0, message: '' },
})

const trace = buildTrace(
  encodeTraces({
    resourceSpans: [
      {
        resource: {
          attributes: [{ key: 'service.name', value: { type: 'string', value: 'Ensemble' } }],
          droppedAttributesCount: 0,
        },
        scopeSpans: [
          {
            scope: { name: 'scope', version: '', attributes: [], droppedAttributesCount: 0 },
            schemaUrl: '',
            spans: [
              span(1, 'POST /orders'),
              span(2, 'resize', [{ key: 'width', value: { type: 'int', value: 224n } }]),
              span(3, 'store'),
            ],
          },
        ],
        schemaUrl: '',
      },
    ],
  }),
)

const find = (needle: string) => {
  const matches = matchNames(trace, needle)
  matchDetails(trace, needle, matches, 0, trace.size)
  return [...matches]
}

describe('find', () => {
  it('looks at names, services, attributes and ids', () => {
    expect(find('orders')).toEqual([1, 0, 0])
    expect(find('ensem')).toEqual([1, 1, 1])
    expect(find('width=224')).toEqual([0, 1, 0])
    expect(find('224')).toEqual([0, 1, 0])
    expect(find('0000000000000003')).toEqual([0, 0, 1])
    expect(find('nowhere')).toEqual([0, 0, 0])
  })
})

describe('nextMatch', () => {
  const matches = Uint8Array.of(0, 1, 0, 1)
  it('goes round both ways', () => {
    expect(nextMatch(matches, -1, 1)).toBe(1)
    expect(nextMatch(matches, 1, 1)).toBe(3)
    expect(nextMatch(matches, 3, 1)).toBe(1)
    expect(nextMatch(matches, 1, -1)).toBe(3)
    expect(nextMatch(matches, -1, -1)).toBe(3)
    expect(nextMatch(new Uint8Array(3), 0, 1)).toBe(-1)
  })

  it('is counted', () => {
    expect(countMatches(matches, 3)).toEqual({ total: 2, place: 2 })
    expect(countMatches(matches, 0)).toEqual({ total: 2, place: 0 })
  })
})
