import { expect, it } from 'vitest'
import { sent, traceId } from '../../conformance/spans.ts'
import { blockOf } from '../read/blocks.test.helper.ts'
import { traceWords } from '../read/trace-parts.ts'
import { selectRows, traceRowsOf } from '../read/trace-rows.ts'
import { packColumns, packedLength, unpackColumns, unpackPlaces, unpackTrace } from './packed-columns.ts'

const LOG_START = 4_000_000_000
const TRACES = 700

/** Spans of more traces than a byte tells apart, one after the other in turns, of any length, also such that end before they start. */
const rows = blockOf(
  Array.from({ length: 2_500 }, (_, i) =>
    sent({
      trace: 1 + ((7 * i + (i >> 9)) % TRACES),
      id: i + 1,
      ...(i % 3 > 0 && { parent: i }),
      service: `s${i % 5}`,
      at: 97 * i,
      ms: (i % 7) ** 9 - 5,
      status: i % 3,
      ...(i % 50 === 0 && { name: 'n'.repeat(5 * i) }),
    }),
  ),
).rows()
for (const frame of rows.frames) Object.assign(frame, { offset: LOG_START + frame.offset })
const { operations } = rows
const block = {
  spans: rows.count,
  traces: rows.traceCount,
  groups: rows.groupCount,
  frames: rows.frames.length,
  operations,
  logStart: LOG_START,
}
const packed = Buffer.from(packColumns(rows, LOG_START))

it('gives back the rows that were packed', () => {
  expect(packed.length).toBe(packedLength(block))
  const all = selectRows(
    rows,
    Array.from({ length: rows.count }, (_, row) => row),
    rows.traceIds,
  )
  const copy = Buffer.from(packed)
  const { traceIds, groups, ...columns } = unpackColumns(copy, block)
  copy.fill(0)
  expect(columns).toEqual({
    ...all,
    trace: rows.trace.slice(0, rows.count),
    traceIds: undefined,
    traceCount: rows.traceCount,
    groups: undefined,
  })
  expect(traceIds).toEqual(rows.traceIds.slice(0, traceIds.length))
  expect(groups).toEqual(rows.groups.slice(0, 4 * rows.groupCount))
})

it('gives the places of all bytes, in memory of their own', () => {
  const copy = Buffer.from(packed)
  const places = unpackPlaces(copy, block)
  copy.fill(0)
  const all = unpackColumns(packed, block)
  for (const name of ['count', 'spanStart', 'spanEnd', 'group', 'groups', 'groupCount', 'frames'] as const)
    expect(places[name]).toEqual(all[name])
  expect(new Set([places.spanStart.buffer, places.spanEnd.buffer, places.group.buffer]).size).toBe(1)
})

it('gives the rows of any one trace, and of one that is not there none', () => {
  const all = unpackColumns(packed, block)
  for (let trace = 1; trace <= TRACES; trace++) {
    const id = traceWords(traceId(trace))
    expect(unpackTrace(packed, block, id)).toEqual(traceRowsOf(all, id))
  }
  expect(unpackTrace(packed, block, traceWords(traceId(TRACES + 1)))).toBeUndefined()
  // Nor one whose id is made of the ends of two that are.
  const { buffer } = all.traceIds
  expect(unpackTrace(packed, block, new Uint32Array(buffer.slice(8, 24)))).toBeUndefined()
})
