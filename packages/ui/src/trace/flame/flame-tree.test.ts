import type { Trace } from '@spoor/trace'
import { describe, expect, it } from 'vitest'
import { flameTree } from './flame-tree.ts'

/** Rows as `[parent, name, self, duration]`. */
function traceOf(...rows: [parent: number, name: number, self: number, duration?: number][]): Trace {
  return {
    size: rows.length,
    parent: Int32Array.from(rows, ([parent]) => parent),
    service: new Uint16Array(rows.length),
    name: Uint32Array.from(rows, ([, name]) => name),
    names: ['a', 'b', 'c'],
    selfNs: Float64Array.from(rows, ([, , self]) => self),
    durationsNs: Float64Array.from(rows, ([, , self, duration]) => duration ?? self),
    status: Uint8Array.from(rows, (_, row) => (row === 2 ? 2 : 0)),
  } as unknown as Trace
}

describe('flameTree', () => {
  const tree = flameTree(traceOf([-1, 0, 5, 20], [0, 1, 10], [0, 1, 12], [2, 2, 3], [0, 2, 1]))

  it('folds calls of one name under the same parents, the longest for all', () => {
    expect([...tree.spans]).toEqual([1, 2, 1, 1])
    expect([...tree.errors]).toEqual([0, 1, 0, 0])
    expect([...tree.row]).toEqual([0, 2, 3, 4])
    expect([...tree.nodeOfRow]).toEqual([0, 1, 1, 2, 3])
    expect([...tree.parent]).toEqual([-1, 0, 1, 0])
  })

  it('is as wide as the self time in it and below it', () => {
    expect([...tree.width]).toEqual([31, 25, 3, 1])
  })
})
