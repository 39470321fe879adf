import { CriticalPath } from '@spoor/trace'
import { expect, it } from 'vitest'
import { criticalRows } from '../prepare-trace.ts'
import { operationFigures } from './operation-figures.ts'

it('adds up what spans of one service and name did', () => {
  const trace = {
    size: 4,
    service: Uint16Array.of(0, 1, 1, 1),
    name: Uint32Array.of(0, 1, 1, 0),
    names: ['a', 'b'],
    status: Uint8Array.of(0, 2, 0, 2),
    durationsNs: Float64Array.of(100, 30, 50, 4),
    selfNs: Float64Array.of(20, 30, 46, 4),
  }
  const segment = (row: number, startNs: number, endNs: number) => ({ row, startNs, endNs, aheadNs: 0 })
  const critical = criticalRows(
    trace,
    CriticalPath.of([segment(0, 0, 10), segment(1, 10, 40), segment(2, 40, 80), segment(0, 80, 100)]),
  )
  expect(operationFigures(trace, critical)).toEqual([
    { service: 0, name: 0, spans: 1, errors: 0, totalNs: 100, selfNs: 20, waitNs: 30, longestNs: 100, row: 0 },
    { service: 1, name: 1, spans: 2, errors: 1, totalNs: 80, selfNs: 76, waitNs: 70, longestNs: 50, row: 2 },
    { service: 1, name: 0, spans: 1, errors: 1, totalNs: 4, selfNs: 4, waitNs: 0, longestNs: 4, row: 3 },
  ])
})
