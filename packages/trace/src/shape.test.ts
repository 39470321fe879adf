import { expect, it } from 'vitest'
import { shapeOf, shaping } from './shape.ts'
import { SpanTable } from './span-table.ts'

interface Row {
  readonly id: number
  readonly parent?: number
  readonly start?: number
  readonly duration?: number
  readonly service?: number
  readonly status?: number
}

function tableOf(rows: readonly Row[], table = new SpanTable(rows.length)): SpanTable {
  table.services = ['a', 'b']
  table.names = ['x']
  table.count = rows.length
  for (const [i, { id, parent = 0, start = 0, duration = 0, service = 0, status = 0 }] of rows.entries()) {
    table.spanId.set([id, 0], 2 * i)
    table.parentId.set([parent, 0], 2 * i)
    table.startHi[i] = 7
    table.startLo[i] = start
    table.durationNs[i] = duration
    table.kind[i] = 1
    table.status[i] = status
    table.service[i] = service
    table.name[i] = 0
  }
  return table
}

it('has a request and a tail', () => {
  const shape = shapeOf(
    tableOf([
      { id: 2, parent: 1, start: 60, duration: 90, status: 2 },
      { id: 3, parent: 9, start: 20, duration: 5 },
      { id: 1, start: 50, duration: 40 },
      { id: 2, parent: 1, start: 60, duration: 90, status: 2 },
    ]),
  )
  expect(shape).toMatchObject({
    size: 3,
    start: (7n << 32n) + 20n,
    durationNs: 130,
    root: 1,
    requestDurationNs: 40,
    tailNs: 60,
    errors: 1,
    orphans: 1,
  })
  expect([...shape.startNs.subarray(0, 3)]).toEqual([0, 30, 40])
  expect([...shape.selfNs.subarray(0, 3)]).toEqual([5, 10, 90])
})

it('takes the earliest orphan for the request where there is no root, and none of an empty table', () => {
  expect(
    shapeOf(
      tableOf([
        { id: 1, parent: 9, start: 5 },
        { id: 2, parent: 8, start: 3 },
      ]),
    ),
  ).toMatchObject({ root: 0 })
  expect(shapeOf(tableOf([]))).toMatchObject({ size: 0, root: -1, durationNs: 0, tailNs: 0 })
})

it('counts a clock that was set back as no time', () => {
  const shape = shapeOf(
    tableOf([
      { id: 1, start: 10, duration: -5 },
      { id: 2, parent: 1, start: 12, duration: 3 },
    ]),
  )
  expect(shape).toMatchObject({ durationNs: 5, requestDurationNs: 0, tailNs: 5 })
})

it('orders by what the texts are, not by when they came', () => {
  const services = ['a', 'b'].map((first) => {
    const table = tableOf([
      { id: 1, service: 0 },
      { id: 1, service: 1 },
    ])
    table.services = first === 'a' ? ['a', 'b'] : ['b', 'a']
    return [...shapeOf(table).order.subarray(0, 2)].map((span) => table.services[span])
  })
  expect(services).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

it.each([
  { where: 'spread evenly', startOf: (i: number) => (i * 7919) % 5_000 },
  { where: 'all at once', startOf: () => 0 },
  { where: 'all at once but for one', startOf: (i: number) => (i === 7 ? 0xf0000000 : i % 3) },
  { where: 'more and more apart', startOf: (i: number) => Math.floor(2 ** (((i * 7919) % 5_000) / 160)) },
])('orders thousands of spans that start $where', ({ startOf }) => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({
    id: ((i * 31) % 4_900) + 1,
    start: startOf(i),
    duration: i % 5,
    service: i % 2,
  }))
  const table = tableOf(rows)
  const { order, size } = shapeOf(table)
  const inOrder = rows
    .map((row, i) => ({ ...row, i }))
    .sort((a, b) => a.start - b.start || b.duration - a.duration || a.id - b.id || a.service - b.service)
  const keyOf = ({ start, duration, id, service }: (typeof rows)[0]): string => [start, duration, id, service].join()
  const distinct = inOrder.filter((row, i) => i === 0 || keyOf(row) !== keyOf(inOrder[i - 1]!))
  expect(Array.from(order.subarray(0, size), (span) => keyOf(rows[span]!))).toEqual(distinct.map(keyOf))
})

it('is exact where starts and durations are out of all proportion', () => {
  const table = tableOf([{ id: 1 }, { id: 2, start: 1, duration: 2 ** 62 }])
  table.startHi[0] = 0
  expect(shapeOf(table).durationNs).toBe(Number((7n << 32n) + 1n + 2n ** 62n))
})

it('works in the memory of the trace before', () => {
  const table = tableOf([
    { id: 1, parent: 2 },
    { id: 2, parent: 1, start: 1 },
    { id: 1, parent: 2, start: 9 },
  ])
  shapeOf(table)
  const rows = [
    { id: 5, start: 4, duration: 6 },
    { id: 6, parent: 5, start: 5, duration: 1 },
  ]
  const again = shapeOf(tableOf(rows, table))
  expect(again).toMatchObject({ size: 2, root: 0, orphans: 0 })
  expect([...again.parent.subarray(0, 2)]).toEqual([-1, 0])
  expect([...again.flags.subarray(0, 2)]).toEqual([0, 0])
})

it('can pause every few hundred spans, whatever they are', () => {
  const count = 20_000
  const table = tableOf(
    Array.from({ length: count }, (_, i) => ({
      id: (i % 9_000) + 1,
      parent: i % 3 === 0 ? ((i * 31) % 9_000) + 1 : 0,
      start: (i * 7919) % count,
      duration: 50,
    })),
  )
  let looks = 0
  const counting = <T extends Uint32Array | Float64Array>(column: T): T =>
    new Proxy(column, {
      get(target, key) {
        looks++
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
  table.spanId = counting(table.spanId)
  table.durationNs = counting(table.durationNs)
  let most = 0
  let units = 0
  for (const step of shaping(table)) {
    most = Math.max(most, looks)
    looks = 0
    units += step
  }
  expect(most).toBeGreaterThan(100)
  expect(most).toBeLessThan(20_000)
  // What it says of its work is of the order of what it does.
  expect(units / count).toBeGreaterThan(100)
  expect(units / count).toBeLessThan(2_000)
})
