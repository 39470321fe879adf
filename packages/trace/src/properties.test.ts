import { joinBytes } from '@spoor/otlp'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  buildTrace,
  criticalPath,
  endOf,
  problems,
  rootRow,
  SpanFlag,
  spanIdOf,
  serviceGraph,
  type Trace,
} from './index.ts'
import { requestOf, type SpanSpec } from './testkit.ts'

/**
 * Few ids and times, so that orphans, cycles, duplicates, ties and skew of every kind come up. Id 0 is a span without
 * one.
 */
const spec: fc.Arbitrary<SpanSpec> = fc.record(
  {
    id: fc.integer({ min: 0, max: 12 }),
    parent: fc.integer({ min: 0, max: 14 }),
    service: fc.constantFrom('a', 'b', ''),
    name: fc.constantFrom('x', 'y'),
    kind: fc.integer({ min: 0, max: 5 }),
    start: fc.integer({ min: 0, max: 20 }),
    end: fc.integer({ min: 0, max: 25 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: fc.constantFrom('', 'm') }),
  },
  { requiredKeys: ['id'] },
)
const specs = fc.array(spec, { maxLength: 40 })

const property = (check: (trace: Trace, specs: SpanSpec[]) => void) =>
  fc.assert(
    fc.property(specs, (specs) => check(buildTrace(requestOf(specs)), specs)),
    { numRuns: 300 },
  )

const rowsOf = (trace: Trace) => Array.from({ length: trace.size }, (_, row) => row)

describe('any spans', () => {
  it('give each span one row, however often it was sent, with whatever beside its header', () => {
    property((trace, specs) => {
      const distinct = new Set(
        specs.map(({ id, parent = 0, service = 'shop', name, kind = 1, start = 0, end = start, status }) =>
          JSON.stringify([id, parent, service, name ?? `span ${id}`, kind, start, end, status?.code ?? 0]),
        ),
      )
      expect(trace.size).toBe(distinct.size)
      expect(new Set(trace.spanStart).size).toBe(trace.size)
    })
  })

  it('give rows in a proper tree', () => {
    property((trace) => {
      const children = new Uint32Array(trace.size)
      for (const row of rowsOf(trace)) {
        const parent = trace.parent[row]!
        expect(trace.subtreeEnd[row]).toBeGreaterThan(row)
        expect(trace.subtreeEnd[row]).toBeLessThanOrEqual(trace.size)
        if (parent === -1) {
          expect(trace.depth[row]).toBe(0)
          continue
        }
        children[parent]!++
        expect(parent).toBeLessThan(row)
        expect(trace.depth[row]).toBe(trace.depth[parent]! + 1)
        expect(trace.subtreeEnd[row]).toBeLessThanOrEqual(trace.subtreeEnd[parent]!)
        expect(trace.flags[row]! & (SpanFlag.orphan | SpanFlag.cycle)).toBe(0)
      }
      expect([...trace.childCount]).toEqual([...children])
    })
  })

  it('have siblings in the order of their starts', () => {
    property((trace) => {
      const last = new Map<number, number>()
      for (const row of rowsOf(trace)) {
        const parent = trace.parent[row]!
        expect(trace.startNs[row]).toBeGreaterThanOrEqual(last.get(parent) ?? 0)
        last.set(parent, trace.startNs[row]!)
      }
    })
  })

  it('have self times between nothing and their durations, as a count of each nanosecond gives', () => {
    property((trace) => {
      for (const row of rowsOf(trace)) {
        const children = rowsOf(trace).filter((child) => trace.parent[child] === row)
        let self = 0
        for (let at = trace.startNs[row]!; at < endOf(trace, row); at++) {
          if (!children.some((child) => trace.startNs[child]! <= at && at < endOf(trace, child))) self++
        }
        expect(trace.selfNs[row]).toBe(self)
      }
    })
  })

  it('have a critical path that covers the root and nothing twice', () => {
    property((trace) => {
      const root = rootRow(trace)
      const path = criticalPath(trace)
      let at = root === -1 ? 0 : trace.startNs[root]!
      for (const { row, startNs, endNs, aheadNs } of path) {
        expect(startNs).toBe(at)
        expect(endNs).toBeGreaterThan(startNs)
        expect(trace.startNs[row]).toBeLessThanOrEqual(startNs + aheadNs)
        expect(endOf(trace, row)).toBeGreaterThanOrEqual(endNs + aheadNs)
        at = endNs
      }
      expect(at).toBe(root === -1 ? 0 : endOf(trace, root))
      expect(at).toBeLessThanOrEqual(trace.durationNs)
    })
  })

  it('give the same rows in whatever order they came, and sent twice', () => {
    const shuffled = specs.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const shape = (trace: Trace) =>
          rowsOf(trace).map((row) => [
            spanIdOf(trace, row),
            ...[trace.parent, trace.startNs, trace.durationsNs, trace.kind, trace.status, trace.flags].map(
              (column) => column[row],
            ),
            trace.names[trace.name[row]!],
          ])
        const withoutAgain = (trace: Trace) => ({
          ...trace,
          flags: trace.flags.map((flags) => flags & ~SpanFlag.again),
        })
        const same = (spec: SpanSpec): SpanSpec => ({ ...spec, service: 'same' })
        const once = requestOf(list.map(same))
        const again = requestOf(other.map(same))
        expect(shape(buildTrace(again))).toEqual(shape(buildTrace(once)))
        // That it came twice is told of a row, and is all that is different.
        const twice = buildTrace(joinBytes([again, once]))
        expect(twice.flags.every((flags) => (flags & SpanFlag.again) !== 0)).toBe(true)
        expect(shape(withoutAgain(twice))).toEqual(shape(withoutAgain(buildTrace(once))))
      }),
      { numRuns: 200 },
    )
  })

  it('have problems about rows that are there, and a service graph that counts every span', () => {
    property((trace) => {
      for (const { text, rows } of problems(trace)) {
        expect(text).not.toMatch(/undefined|NaN|Infinity/)
        expect(rows.length).toBeGreaterThan(0)
        for (const row of rows) expect(row).toBeLessThan(trace.size)
      }
      const spans = serviceGraph(trace).nodes.reduce((sum, node) => sum + node.spans, 0)
      expect(spans).toBe(trace.size)
    })
  })
})
