import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces } from '@spoor/otlp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { attributes, batchOf, MS, requestOf, sent, T0, type SentSpan } from '../../conformance/spans.ts'
import { blockOf } from '../read/blocks.test.helper.ts'
import { rangeOf } from '../read/range.ts'
import { Turn } from '../read/turn.ts'
import { systemClock } from '../runtime.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { readSpans, type ReadOptions, type ReadReport } from './read-spans.ts'
import { selectRows } from './selection.ts'
import type { StoreBlocks } from './store-blocks.ts'
import { edit, records } from './store.test.helper.ts'
import { dropTwins } from './twins.ts'

vi.setConfig({ testTimeout: 60_000 })

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-read-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function store(spans: readonly SentSpan[], blockSpans = 8192): Promise<void> {
  const opened = await openInSameThread({ directory, blockSpans, frameBytes: 512 })
  for (const span of spans) await opened.append(batchOf(span))
  await opened.close()
}

/** What was read, each span with its resource and scope, as a request of its own. */
async function read(options: ReadOptions = {}): Promise<{ spans: string[]; report: ReadReport }> {
  const spans: string[] = []
  let count = 0
  const report = await readSpans(directory, options, (bytes, piece) => {
    count += piece
    for (const { resource, scopeSpans } of decodeTraces(bytes).resourceSpans)
      for (const { scope, spans: own } of scopeSpans)
        for (const span of own) spans.push(hex(requestOf([{ resource, scope, span }])))
  })
  expect(report.spans).toBe(spans.length)
  expect(count).toBe(spans.length)
  return { spans, report }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hexOf = (spans: readonly SentSpan[]): string[] => spans.map((span) => hex(requestOf([span])))

const some = (count: number): SentSpan[] =>
  Array.from({ length: count }, (_, i) =>
    sent({
      trace: i % 5,
      id: i + 1,
      at: i,
      service: `s${i % 3}`,
      scope: { name: `scope ${i % 2}` },
      attributes: attributes({ i: BigInt(i), text: 'x'.repeat(i) }),
    }),
  )

describe('reading all spans of a directory', () => {
  it('gives each as it came, in order, and changes nothing', async () => {
    const spans = some(60)
    await store(spans, 16)
    const before = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'hex')])
    const { spans: found, report } = await read()
    expect(found).toEqual(hexOf(spans))
    expect(report).toEqual({ spans: 60, twins: 0, complete: true, damage: undefined, vanished: false })
    expect(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'hex')])).toEqual(before)
  })

  it('reads what a running store has acknowledged', async () => {
    const opened = await openInSameThread({ directory })
    const spans = some(10)
    for (const span of spans) await opened.append(batchOf(span))
    expect((await read()).spans).toEqual(hexOf(spans))
    await opened.close()
  })

  it('keeps to the range of times, both ends inclusive', async () => {
    const spans = some(40)
    await store(spans, 16)
    const { spans: found } = await read({ from: T0 + 5n * MS, to: T0 + 20n * MS })
    expect(found).toEqual(hexOf(spans.slice(5, 21)))
  })

  it('gives the spans that a filter matches, or the whole traces of these', async () => {
    const spans = some(40)
    await store(spans, 16)
    const filter = { op: 'eq', target: { attribute: 'i' }, value: 7 } as const
    expect((await read({ filter })).spans).toEqual(hexOf(spans.slice(7, 8)))
    const { spans: found } = await read({ filter, wholeTraces: true })
    expect(found).toEqual(hexOf(spans.filter((_, i) => i % 5 === 2)))
    await expect(read({ filter: { op: 'regex', target: { field: 'name' }, value: '(' } })).rejects.toMatchObject({
      code: 'bad_query',
    })
  })

  it('gives what was sent twice once where that is asked for', async () => {
    const spans = some(30)
    const again = { ...spans[3]!, span: { ...spans[3]!.span, attributes: attributes({ other: true }) } }
    const other = { ...spans[4]!, span: { ...spans[4]!.span, endTimeUnixNano: T0 } }
    await store([...spans, ...spans, again, other], 16)
    expect((await read()).spans).toHaveLength(62)
    const { spans: found, report } = await read({ twinsOnce: true })
    expect(found).toEqual(hexOf([...spans, other]))
    expect(report.twins).toBe(31)
    const filter = { op: 'exists', target: { attribute: 'other' } } as const
    expect((await read({ filter, twinsOnce: true })).spans).toEqual(hexOf([again]))
  })

  it('steps over damage, and says so', async () => {
    const spans = some(60)
    await store(spans, 16)
    const place = records(directory)[20]!
    edit(place.path, (bytes) => (bytes[place.end - 3]! ^= 1))
    const { spans: found, report } = await read()
    expect(found).toEqual(hexOf(spans.filter((_, i) => i !== 20)))
    expect(report).toMatchObject({ complete: false, damage: { code: 'corrupt' } })
  })

  it('ends when it is told to', async () => {
    await store(some(2))
    await expect(read({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('refuses what is no data directory', async () => {
    await expect(read()).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('is not a data directory of Spoor') as string,
    })
  })
})

it('finds twins with a table that holds a part of the headers at a time', async () => {
  const spans = some(200).map(({ span, ...rest }) => ({ ...rest, span: { ...span, attributes: [] } }))
  const blocks: StoreBlocks = {
    async each(visit) {
      for (const [number, block] of [blockOf(spans), blockOf(spans.slice(0, 150))].entries()) await visit(block, number)
    },
  }
  const turn = new Turn(systemClock, Infinity)
  const selection = await selectRows(blocks, { range: rangeOf(), condition: undefined }, turn)
  expect(await dropTwins(blocks, selection, turn, 64)).toBe(150)
  expect([...selection.values()].map(({ size }) => size)).toEqual([200, 0])
})
