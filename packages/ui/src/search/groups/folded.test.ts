import type { FlameResponse } from 'spoor/api'
import { expect, test } from 'vitest'
import { foldedNodes, foldedShape, inDepth } from './folded.ts'

const times = (totalNs: number, selfNs: number, criticalNs: number) => ({
  calls: 1,
  errors: 0,
  totalNs,
  selfNs,
  criticalNs,
})
const frame = (parent: number, name: string, ...of: [number, number, number]) => ({
  parent,
  service: 's',
  name,
  traces: 1,
  exemplars: [],
  ...times(...of),
})

const answer = {
  frames: [
    frame(-1, 'a', 10, 1, 1),
    { ...frame(0, 'b', 8, 6, 2), others: { frames: 3, ...times(2, 3, 0) } },
    frame(-1, 'b', 5, 5, 4),
    frame(0, 'd', 6, 6, 3),
  ],
  others: { frames: 1, ...times(1, 1, 0) },
} as unknown as FlameResponse

test('all that is below a path fits into it, by each measure', () => {
  const nodes = foldedNodes(answer)
  const widths = (by: 'total' | 'self' | 'critical') => [...foldedShape(nodes, by).width]
  expect(widths('total')).toEqual([14, 8, 5, 6, 1, 2])
  expect(widths('self')).toEqual([16, 9, 5, 6, 1, 3])
  expect(widths('critical')).toEqual([6, 2, 4, 3, 0, 0])
})

test('a path is the same in another answer, wherever it is in it', () => {
  const paths = foldedNodes(answer).map((node) => (node.kind === 'frame' ? node.path : ''))
  expect(new Set(paths.slice(0, 4)).size).toBe(4)
  const [, second] = foldedNodes({ ...answer, frames: [answer.frames[2]!, answer.frames[0]!] })
  expect(second).toMatchObject({ path: paths[0] })
})

test('a table has them path by path', () => {
  const rows = inDepth(foldedNodes(answer)).map(({ node, depth }) => [
    depth,
    node.kind === 'frame' ? node.times.name : `${node.times.frames} others`,
  ])
  expect(rows).toEqual([
    [0, 'a'],
    [1, 'b'],
    [2, '3 others'],
    [1, 'd'],
    [0, 'b'],
    [0, '1 others'],
  ])
})
