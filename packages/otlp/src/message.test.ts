import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meaning, pairsOf } from './flat.test.helper.ts'
import { logsFromJson, metricsFromJson } from './from-json.ts'
import type { LogsData } from './logs-model.ts'
import { decodeLogs, decodeMetrics, encodeLogs, encodeMetrics } from './message.ts'
import type { MetricsData } from './metrics-model.ts'
import { requestToJson } from './to-json.ts'

const SIGNALS = [
  { signal: 'logs', type: 'LogsData', decode: decodeLogs, encode: encodeLogs, fromJson: logsFromJson },
  { signal: 'metrics', type: 'MetricsData', decode: decodeMetrics, encode: encodeMetrics, fromJson: metricsFromJson },
] as const

describe.each(SIGNALS)('$signal as objects', ({ signal, type, decode, encode, fromJson }) => {
  // The pairs of functions belong together, which the compiler cannot see here.
  const again = encode as (data: LogsData | MetricsData) => Uint8Array

  it('are what protobufjs reads, whatever the order and the pieces', () => {
    fc.assert(
      fc.property(pairsOf(type), ({ plain, bytes }) => {
        expect(decode(bytes)).toEqual(decode(plain))
        expect(meaning(signal, again(decode(bytes)))).toEqual(meaning(signal, plain))
      }),
      { numRuns: 60 },
    )
  })

  it('are the same after they were written and read', () => {
    fc.assert(
      fc.property(pairsOf(type), ({ bytes }) => {
        const data = decode(bytes)
        expect(decode(again(data))).toEqual(data)
        expect(decode(fromJson(JSON.stringify(requestToJson(signal, bytes))))).toEqual(data)
      }),
    )
  })
})

const RESOURCE = { attributes: [], droppedAttributesCount: 0 }
const SCOPE = { name: 'scope', version: '', attributes: [], droppedAttributesCount: 0 }

describe('metrics', () => {
  const POINT = { attributes: [], startTimeUnixNano: 1n, timeUnixNano: 2n, flags: 1 }
  const exemplar = { filteredAttributes: [], timeUnixNano: 3n, asInt: -1n, spanId: 'a1b2c3d4e5f60718', traceId: '' }
  const METRIC = { description: '', unit: 'ms', metadata: [] }
  const data: MetricsData = {
    resourceMetrics: [
      {
        resource: RESOURCE,
        schemaUrl: 'url',
        scopeMetrics: [
          {
            scope: SCOPE,
            schemaUrl: '',
            metrics: [
              { ...METRIC, name: 'none' },
              { ...METRIC, name: 'gauge', gauge: { dataPoints: [{ ...POINT, asInt: 0n, exemplars: [exemplar] }] } },
              {
                ...METRIC,
                name: 'sum',
                sum: {
                  dataPoints: [{ ...POINT, asDouble: 0, exemplars: [] }],
                  aggregationTemporality: 2,
                  isMonotonic: true,
                },
              },
              {
                ...METRIC,
                name: 'histogram',
                histogram: {
                  aggregationTemporality: 1,
                  dataPoints: [
                    {
                      ...POINT,
                      count: 2n ** 63n,
                      sum: 0,
                      min: -0,
                      bucketCounts: [0n, 2n ** 64n - 1n],
                      explicitBounds: [0.5],
                      exemplars: [],
                    },
                  ],
                },
              },
              {
                ...METRIC,
                name: 'exponential',
                exponentialHistogram: {
                  aggregationTemporality: 1,
                  dataPoints: [
                    {
                      ...POINT,
                      count: 1n,
                      scale: -11,
                      zeroCount: 4n,
                      zeroThreshold: 1e-9,
                      positive: { offset: -(2 ** 31), bucketCounts: [1n, 300n] },
                      exemplars: [],
                    },
                  ],
                },
              },
              {
                ...METRIC,
                name: 'summary',
                summary: {
                  dataPoints: [{ ...POINT, count: 1n, sum: Infinity, quantileValues: [{ quantile: 1, value: 7 }] }],
                },
              },
            ],
          },
        ],
      },
    ],
  }

  it('keep each kind, and zeros that are not the same as nothing', () => {
    expect(decodeMetrics(encodeMetrics(data))).toEqual(data)
  })

  it('refuse an id of a wrong length', () => {
    const wrong = { ...exemplar, spanId: 'a1' }
    const gauge = { dataPoints: [{ ...POINT, exemplars: [wrong] }] }
    const metrics = [{ ...METRIC, name: '', gauge }]
    const scopeMetrics = [{ scope: SCOPE, schemaUrl: '', metrics }]
    expect(() => encodeMetrics({ resourceMetrics: [{ resource: RESOURCE, schemaUrl: '', scopeMetrics }] })).toThrow(
      RangeError,
    )
  })

  it('have the data that comes last, where a metric has two', () => {
    const metric = [0x12, 8, 0x2a, 2, 0x0a, 0, 0x3a, 2, 0x18, 1]
    const bytes = Uint8Array.from([0x0a, 12, 0x12, 10, ...metric])
    const [read] = decodeMetrics(bytes).resourceMetrics[0]!.scopeMetrics[0]!.metrics
    expect(read).toEqual({
      name: '',
      description: '',
      unit: '',
      metadata: [],
      sum: { dataPoints: [], aggregationTemporality: 0, isMonotonic: true },
    })
  })
})
