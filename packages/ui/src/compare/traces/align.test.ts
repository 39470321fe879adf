import { buildTrace, criticalPath, type Trace } from '@spoor/trace'
import { encodeTraces } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import type { LoadedTrace } from '../../trace/loaded-trace.ts'
import { criticalRows } from '../../trace/prepare-trace.ts'
import { alignTraces, largestDifferences } from './align.ts'

type Spec = readonly [id: number, parent: number, name: string, start: number, end: number, failed?: boolean]

const id = (number: number) => number.toString(16).padStart(16, '0')

function traceOf(...specs: Spec[]): LoadedTrace {
  const trace: Trace = buildTrace(
    encodeTraces({
      resourceSpans: [
        {
          resource: { attributes: [], droppedAttributesCount: 0 },
          schemaUrl: '',
          scopeSpans: [
            {
              scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
              schemaUrl: '',
              spans: specs.map(([own, parent, name, start, end, failed]) => ({
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId: id(own),
                parentSpanId: parent === 0 ? '' : id(parent),
                traceState: '',
                flags: 0,
                name,
                kind: 1,
                startTimeUnixNano: BigInt(start),
                endTimeUnixNano: BigInt(end),
                attributes: [],
                droppedAttributesCount: 0,
                events: [],
                droppedEventsCount: 0,
                links: [],
                droppedLinksCount: 0,
                status: { code: failed ? (2 as const) : (0 as const), message: '' },
              })),
            },
          ],
        },
      ],
    }),
  )
  return { trace, critical: criticalRows(trace, criticalPath(trace)) } as LoadedTrace
}

const told = (left: LoadedTrace, right: LoadedTrace) =>
  alignTraces(left, right).map(
    ({ depth, name, left, right }) => `${' '.repeat(depth)}${name} ${left.spans}/${right.spans} ${left.ns}/${right.ns}`,
  )

const normal = traceOf([1, 0, 'web', 0, 100], [2, 1, 'cart', 5, 25], [3, 1, 'stock', 30, 50], [4, 3, 'sql', 32, 48])

describe('alignTraces', () => {
  it('lays a trace over itself without a difference', () => {
    const rows = alignTraces(normal, normal)
    expect(rows.map(({ depth, name }) => `${' '.repeat(depth)}${name}`)).toEqual(['web', ' cart', ' stock', '  sql'])
    expect(largestDifferences(rows, 9)).toEqual([])
  })

  it('puts one call beside many, and keeps what only one has', () => {
    const slow = traceOf(
      [1, 0, 'web', 0, 200],
      [3, 1, 'stock', 30, 80],
      [4, 3, 'sql', 32, 50],
      [5, 3, 'sql', 50, 78, true],
      [6, 1, 'stock', 80, 190],
      [7, 6, 'sql', 85, 185],
      [8, 1, 'fraud', 190, 195],
    )
    expect(told(normal, slow)).toEqual([
      'web 1/1 100/200',
      ' cart 1/0 20/0',
      ' stock 1/2 20/160',
      '  sql 1/3 16/146',
      ' fraud 0/1 0/5',
    ])
    expect(alignTraces(normal, slow)[3]!.right.errors).toBe(1)
  })

  it('accounts for the whole difference of the requests, whatever ran beside', () => {
    const slow = traceOf(
      [1, 0, 'web', 0, 170],
      [2, 1, 'cart', 5, 125],
      [3, 1, 'stock', 30, 60],
      [9, 1, 'tail', 90, 400],
    )
    const rows = alignTraces(normal, slow)
    expect(rows.reduce((sum, { left, right }) => sum + right.waitNs - left.waitNs, 0)).toBe(70)
    expect(largestDifferences(rows, 1)[0]).toMatchObject({ name: 'cart' })
  })
})
