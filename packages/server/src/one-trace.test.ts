import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SearchResponse, TraceReportResponse, TraceRow } from './api.ts'
import { requestOf, spanIdOf, startTestSpoor, type TestSpoor, traceIdOf } from './testkit.ts'

/*
 * A list, a trace page and a report say the same of a trace, whatever its spans say of their ids, parents and times: all of them have it from
 * packages/trace. Here through the whole program, from its socket to its answers.
 */

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(() => spoor.remove())

const T0 = 1_760_000_000_000_000_000n

const span = fc.record({
  service: fc.constantFrom('a', 'b', 'c'),
  id: fc.integer({ min: 1, max: 7 }),
  parent: fc.integer({ min: 0, max: 9 }),
  name: fc.constantFrom('x', 'y'),
  kind: fc.integer({ min: 0, max: 5 }),
  start: fc.nat(8),
  end: fc.nat(9),
  status: fc.constantFrom(0, 1, 2),
  message: fc.constantFrom('', 'm', 'n'),
})

it('lists a trace as its page and its report have it', { timeout: 60_000 }, async () => {
  const traces = fc.sample(fc.array(fc.array(span, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }), {
    numRuns: 100,
    seed: 5,
  })
  // The requests of all traces, each trace's own in their order, but for some that are sent again later.
  const requests = traces.flatMap((parts, trace) =>
    parts.flatMap((spans, part) => {
      const bytes = spans.map(({ service, id, parent, name, kind, start, end, status, message }) =>
        requestOf(service, [
          {
            traceId: traceIdOf(trace + 1),
            spanId: spanIdOf(id),
            parentSpanId: parent === 0 ? '' : spanIdOf(parent),
            name,
            kind,
            startTimeUnixNano: T0 + BigInt(start),
            endTimeUnixNano: T0 + BigInt(end),
            status: { code: status, message },
          },
        ]),
      )
      return bytes.map((body, i) => ({
        body,
        at: part + ((trace * 7 + i) % 5 === 0 ? 2 : 0),
        again: (trace + i) % 3 === 0,
      }))
    }),
  )
  for (const round of [0, 1, 2, 3, 4, 5]) {
    const due = requests.filter(({ at, again }) => at === round || (again && at === round - 1))
    await Promise.all(due.map(({ body }) => spoor.post(body)))
  }
  const page = (await spoor.json('/api/spoor/v1/search?limit=1000')) as SearchResponse
  expect(page.traces).toHaveLength(traces.length)
  expect(page.complete).toBe(true)
  for (const { matched: _, ...row } of page.traces as (TraceRow & { matched?: unknown })[]) {
    const { trace } = (await spoor.json(`/api/spoor/v1/traces/${row.traceId}/report`)) as TraceReportResponse
    expect(trace).toEqual(row)
  }
})
