import { describe, expect, it } from 'vitest'
import { decodeMetrics, encodeMetrics } from './message.ts'
import type { KeyValue } from './model.ts'
import { encodePointAttributes, encodeSeries, type PointKind } from './series.ts'

const ATTRIBUTES: KeyValue[] = [
  { key: 'service.name', value: { type: 'string', value: 'shop' } },
  { key: 'code', value: { type: 'int', value: -200n } },
]
const EXEMPLAR = { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2), value: 1.5 }
const START = 1_700_000_000_123_456_789n
const TIME = START + 5n

const point = (kind: PointKind) => ({
  attributes: encodePointAttributes(kind, ATTRIBUTES),
  startTimeUnixNano: START,
  exemplars: [EXEMPLAR],
})
const decoded = {
  attributes: ATTRIBUTES,
  startTimeUnixNano: START,
  timeUnixNano: TIME,
  flags: 0,
  exemplars: [
    { filteredAttributes: [], timeUnixNano: TIME, asDouble: 1.5, spanId: '02'.repeat(8), traceId: '01'.repeat(16) },
  ],
}

describe('encodeSeries', () => {
  it('makes the bytes that plain objects make', () => {
    const bytes = encodeSeries(
      [
        {
          attributes: ATTRIBUTES,
          schemaUrl: 'url',
          scope: 'scope',
          scopeVersion: '1',
          metrics: [
            {
              name: 'calls',
              description: 'all',
              unit: '{call}',
              kind: 'sum',
              temporality: 2,
              isMonotonic: true,
              points: [
                { ...point('sum'), value: 2 ** 52 + 1 },
                { ...point('sum'), value: -3 },
              ],
            },
            { name: 'now', kind: 'gauge', points: [{ ...point('gauge'), value: 0 }] },
            {
              name: 'duration',
              unit: 'ms',
              kind: 'histogram',
              temporality: 1,
              points: [
                {
                  ...point('histogram'),
                  count: 3,
                  sum: 0,
                  bounds: [0.5, 2],
                  bucketCounts: new Float64Array([2 ** 33, 0, 1]),
                  max: 7,
                },
              ],
            },
            {
              name: 'exponential',
              kind: 'exponential',
              temporality: 2,
              points: [
                {
                  ...point('exponential'),
                  count: 4,
                  sum: -1.25,
                  scale: -3,
                  zeroCount: 1,
                  offset: -700,
                  bucketCounts: [1, 0, 300],
                  min: 0,
                  max: 9,
                },
              ],
            },
          ],
        },
        { attributes: [], scope: 'other', metrics: [] },
      ],
      TIME,
    )
    const expected = {
      resourceMetrics: [
        {
          resource: { attributes: ATTRIBUTES, droppedAttributesCount: 0 },
          schemaUrl: 'url',
          scopeMetrics: [
            {
              schemaUrl: '',
              scope: { name: 'scope', version: '1', attributes: [], droppedAttributesCount: 0 },
              metrics: [
                {
                  name: 'calls',
                  description: 'all',
                  unit: '{call}',
                  metadata: [],
                  sum: {
                    aggregationTemporality: 2,
                    isMonotonic: true,
                    dataPoints: [
                      { ...decoded, asInt: 2n ** 52n + 1n },
                      { ...decoded, asInt: -3n },
                    ],
                  },
                },
                {
                  name: 'now',
                  description: '',
                  unit: '',
                  metadata: [],
                  gauge: { dataPoints: [{ ...decoded, asInt: 0n }] },
                },
                {
                  name: 'duration',
                  description: '',
                  unit: 'ms',
                  metadata: [],
                  histogram: {
                    aggregationTemporality: 1,
                    dataPoints: [
                      {
                        ...decoded,
                        count: 3n,
                        sum: 0,
                        explicitBounds: [0.5, 2],
                        bucketCounts: [2n ** 33n, 0n, 1n],
                        max: 7,
                      },
                    ],
                  },
                },
                {
                  name: 'exponential',
                  description: '',
                  unit: '',
                  metadata: [],
                  exponentialHistogram: {
                    aggregationTemporality: 2,
                    dataPoints: [
                      {
                        ...decoded,
                        count: 4n,
                        sum: -1.25,
                        scale: -3,
                        zeroCount: 1n,
                        zeroThreshold: 0,
                        positive: { offset: -700, bucketCounts: [1n, 0n, 300n] },
                        min: 0,
                        max: 9,
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
        {
          resource: { attributes: [], droppedAttributesCount: 0 },
          schemaUrl: '',
          scopeMetrics: [
            {
              schemaUrl: '',
              scope: { name: 'other', version: '', attributes: [], droppedAttributesCount: 0 },
              metrics: [],
            },
          ],
        },
      ],
    }
    expect(decodeMetrics(bytes)).toEqual(expected)
    expect(decodeMetrics(encodeMetrics(expected))).toEqual(decodeMetrics(bytes))
  })
})
