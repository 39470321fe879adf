import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { linkTo } from '../../conformance/dependency-model.ts'
import { MS, sent, T0, type SentSpan, type SpanSpec } from '../../conformance/spans.ts'
import type { Block } from './block.ts'
import { blockOf, priced, sealedOf, StillClock } from './blocks.test.helper.ts'
import { dependencies, MAX_BLOCKS_OUTSIDE } from './dependencies.ts'
import { RecentSpans } from './recent-spans.ts'
import { QueryMemory } from './query-memory.ts'
import { Turn } from './turn.ts'

const ALWAYS = [0n, 1n << 64n] as const

function ask(blocks: readonly Block[], from: bigint = ALWAYS[0], to: bigint = ALWAYS[1], maxBytes = 64 << 20) {
  return dependencies(
    blocks,
    { from, to, links: true },
    new Turn(new StillClock(), Infinity, { memory: new QueryMemory(maxBytes) }),
  )
}

/** By the letter of the contract, quadratic: for each span that may be a call its service, and the services that its parent may be of. */
function callsIn(specs: readonly SpanSpec[], from: bigint, to: bigint) {
  return specs.flatMap((child) => {
    const start = T0 + BigInt(child.at!) * MS
    if (child.parent === undefined || child.parent === child.id || start < from || start >= to) return []
    const parents = specs.filter(({ trace, id }) => trace === child.trace && id === child.parent)
    const services = new Set(parents.map(({ service }) => service!))
    return services.size === 0 ? [] : [{ child: child.service!, parents: services }]
  })
}

const spec = (ids: number) =>
  fc.record({
    trace: fc.nat(2),
    id: fc.integer({ min: 1, max: ids }),
    parent: fc.option(fc.integer({ min: 1, max: ids }), { nil: undefined, freq: 4 }),
    service: fc.constantFrom('a', 'b', 'c'),
    at: fc.nat(30),
    status: fc.nat(2),
  })
const range = fc
  .tuple(fc.nat(30), fc.nat(30))
  .map(([a, b]) => [T0 + BigInt(Math.min(a, b)) * MS, T0 + BigInt(Math.max(a, b)) * MS] as const)

/** `sealed`: the second one of each two is, 2: all are. */
function blocksOf(parts: readonly (readonly object[])[], sealed: number): Block[] {
  return parts.map((part, i) => {
    const spans = part.map((each) => sent(clean(each as SpanSpec)))
    return i % 2 < sealed && spans.length > 0 ? sealedOf(spans) : blockOf(spans)
  })
}

function clean({ parent, ...rest }: SpanSpec): SpanSpec {
  return parent === undefined ? rest : { ...rest, parent }
}

it('counts what a naive model counts, where each id is of one span, wherever the spans are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(spec(40), { maxLength: 12 }), { maxLength: 6 }),
      range,
      fc.nat(2),
      async (parts, [from, to], sealed) => {
        const seen = new Set<string>()
        const unique = parts.map((part) =>
          part.filter(({ trace, id }) => !seen.has(`${trace} ${id}`) && seen.add(`${trace} ${id}`)),
        )
        const expected = new Map<string, number>()
        for (const { child, parents } of callsIn(unique.flat() as SpanSpec[], from, to)) {
          const [parent] = [...parents]
          const key = `${parent}>${child}`
          if (parent !== child) expected.set(key, (expected.get(key) ?? 0) + 1)
        }
        const { edges, complete } = await ask(blocksOf(unique, sealed), from, to)
        expect(new Map(edges.map(({ parent, child, calls }) => [`${parent}>${child}`, calls]))).toEqual(expected)
        expect(complete).toBe(true)
      },
    ),
    { numRuns: 120, seed: 21 },
  )
})

it('counts each call once, with one of the spans that have the parent’s id, whatever cycles there are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(spec(3), { maxLength: 12 }), { maxLength: 6 }),
      range,
      fc.nat(2),
      async (parts, [from, to], sealed) => {
        const calls = callsIn(parts.flat() as SpanSpec[], from, to)
        const { edges } = await ask(blocksOf(parts, sealed), from, to)
        for (const service of ['a', 'b', 'c']) {
          const own = calls.filter(({ child }) => child === service)
          const counted = edges.filter(({ child }) => child === service).reduce((sum, edge) => sum + edge.calls, 0)
          expect(counted).toBeGreaterThanOrEqual(own.filter(({ parents }) => !parents.has(service)).length)
          expect(counted).toBeLessThanOrEqual(
            own.filter(({ parents }) => parents.size > 1 || !parents.has(service)).length,
          )
        }
        for (const { parent, child, calls: counted } of edges) {
          expect(counted).toBeLessThanOrEqual(
            calls.filter((call) => call.child === child && call.parents.has(parent)).length,
          )
        }
      },
    ),
    { numRuns: 120, seed: 22 },
  )
})

it('looks at equal span ids in steps that grow with their number', async () => {
  const prices: number[] = []
  for (const count of [2_000, 8_000]) {
    const equal = (at: number) =>
      Array.from({ length: count }, (_, i) => sent({ trace: 1, id: 7, parent: 9, service: `s${i % 2}`, at: at + i }))
    const clock = new StillClock()
    const blocks = [
      blockOf([...equal(0), sent({ trace: 1, id: 9, service: 'top' })], 4096),
      blockOf(equal(count), 4096),
    ]
    const turn = new Turn(clock, Infinity)
    const { edges } = await dependencies(
      blocks.map((block) => priced(block, clock)),
      { from: ALWAYS[0], to: ALWAYS[1], links: true },
      turn,
    )
    expect(edges).toMatchObject([
      { parent: 'top', child: 's0', calls: count, errors: 0 },
      { parent: 'top', child: 's1', calls: count, errors: 0 },
    ])
    prices.push(clock.nowMs)
  }
  expect(prices[1]! / prices[0]!).toBeLessThan(5)
})

/** Blocks of one span each, a minute apart, which count how often their columns are read. */
function minutes(count: number, span: (i: number) => SentSpan): { blocks: Block[]; read: number[] } {
  const read: number[] = []
  const blocks = Array.from({ length: count }, (_, i) => {
    const block = blockOf([span(i)])
    return { ...block, rows: () => (read.push(i), block.rows()) }
  })
  return { blocks, read }
}

it('reads no block for a parent that never came, as its filter tells', async () => {
  const { blocks, read } = minutes(600, (i) => sent({ trace: i, id: 1, at: 60_000 * i, parent: 99, service: 'b' }))
  const answer = await ask(blocks, T0 + 60_000n * 599n * MS)
  expect(answer).toEqual({ edges: [], complete: true })
  expect(read.filter((i) => i < 599).length).toBeLessThan(5)
})

it('goes so far outside of the range and no further, nearest first, and says so', async () => {
  const wanted = sent({ trace: 1, id: 2, parent: 1, service: 'b', at: 60_000 * 1000 })
  for (const [away, found] of [
    [MAX_BLOCKS_OUTSIDE - 1, true],
    [MAX_BLOCKS_OUTSIDE + 1, false],
  ] as const) {
    // All blocks have the trace; one of them has the parent.
    const { blocks, read } = minutes(1000, (i) =>
      sent({ trace: 1, id: 1000 - i === away ? 1 : 5000 + i, service: 'a', at: 60_000 * i }),
    )
    const answer = await ask([...blocks, blockOf([wanted])], T0 + 60_000n * 1000n * MS)
    expect(answer.edges).toMatchObject(found ? [{ parent: 'a', child: 'b', calls: 1, errors: 0 }] : [])
    expect(answer.complete).toBe(found)
    expect(read.length).toBe(Math.min(away, MAX_BLOCKS_OUTSIDE))
  }
})

it('ends incomplete where its memory ends', async () => {
  const lost = blockOf(
    Array.from({ length: 20_000 }, (_, i) => sent({ trace: i, id: 1, parent: 2, service: 'b' })),
    4096,
  )
  expect(await ask([lost])).toEqual({ edges: [], complete: true })
  expect(await ask([lost], ...ALWAYS, 500_000)).toEqual({ edges: [], complete: false })
})

it('reads spans of kind consumer that start in the range for their links, and no others', async () => {
  const kinds = [1, 2, 3, 4, 5]
  const spans = Array.from({ length: 100 }, (_, i) =>
    sent({ trace: i, id: i + 1, kind: kinds[i % 5]!, service: kinds[i % 5] === 5 ? 'b' : 'a', at: i }),
  )
  const linked = spans.map((each, i) => ({ ...each, span: { ...each.span, links: [linkTo(i - 1, i)] } }))
  for (const [links, to, read] of [
    [true, 1000, 20],
    [true, 50, 10],
    [false, 1000, 0],
  ] as const) {
    const turn = new Turn(new StillClock(), Infinity)
    const query = { from: 0n, to: T0 + BigInt(to) * MS, links }
    const { edges } = await dependencies([blockOf(linked)], query, turn)
    expect([turn.values, edges[0]?.calls ?? 0]).toEqual([read, read])
  }
})

it('counts a span once that was sent twice, in its block and in a later one, and others of its id by themselves', async () => {
  const parent = sent({ trace: 1, id: 1, service: 'a' })
  const call: SpanSpec = { trace: 1, id: 2, parent: 1, service: 'b', name: 'x', at: 3, status: 2 }
  const others = [
    { ...call, name: 'y' },
    { ...call, at: 4 },
    { ...call, ms: 9 },
    { ...call, kind: 3 },
    { ...call, trace: 2 },
  ]
  const makers = [blockOf, sealedOf]
  for (const first of makers) for (const second of makers) await check(first, second)

  async function check(...make: readonly ((spans: readonly SentSpan[]) => Block)[]): Promise<void> {
    const edges = async (...blocks: (readonly SentSpan[])[]) =>
      (await ask(blocks.map((spans, i) => make[i % 2]!(spans)))).edges
    const once = [{ parent: 'a', child: 'b', calls: 1, errors: 1 }]
    expect(await edges([parent, sent(call), sent(call)])).toMatchObject(once)
    expect(await edges([parent, sent(call)], [sent(call)], [sent({ ...call, attributes: [] })])).toMatchObject(once)
    // Its parent came in neither of the two.
    expect(await edges([sent(call)], [sent(call)], [parent])).toMatchObject(once)
    const all = [parent, sent({ trace: 2, id: 1, service: 'a' }), ...[call, ...others].map(sent)]
    expect(await edges(all, all)).toMatchObject([{ parent: 'a', child: 'b', calls: 6, errors: 6 }])
  }
})

it('knows spans that were sent twice for a million calls and more, in bounded memory', async () => {
  const memory = new QueryMemory(64 << 20)
  const calls = new RecentSpans(new Turn(new StillClock(), Infinity, { memory }))
  const block = 1 << 12
  const rows = blockOf(Array.from({ length: block }, (_, i) => sent({ trace: 1, id: i + 1 }))).rows()
  const startOfBlock = (number: number) => rows.startHi.fill(number)
  for (let number = 0; number < 700; number++) {
    startOfBlock(number)
    for (let row = 0; row < block; row++) if (!calls.isNew(rows, row)) expect.fail(`row ${row} of block ${number}`)
  }
  for (const [number, isNew] of [
    [699, false],
    [699 - 256, false],
    [0, true],
  ] as const) {
    startOfBlock(number)
    expect([number, calls.isNew(rows, 77)]).toEqual([number, isNew])
  }
})
