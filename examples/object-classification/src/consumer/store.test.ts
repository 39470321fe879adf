import { context, propagation, trace } from '@opentelemetry/api'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SENT_AT } from '../results/message.ts'
import type { Delivery } from '../results/queue.ts'
import type { JsonSpan } from '../testkit/receive-spans.ts'
import { traced } from '../testkit/traced.ts'
import type { NewRow } from './database.ts'
import { MOST_ATTEMPTS, storeBatch } from './store.ts'
import type { Counts } from './store.ts'

const ERROR = 2
const CONSUMER = 5
const place = { system: 'memory', host: '127.0.0.1', port: 5007 } as const

const own = traced('consumer')
let counts: Counts
let stored: NewRow[][]

beforeEach(() => {
  counts = { stored: 0, again: 0, buried: 0 }
  stored = []
})

/** A message that was sent in a span of its own, and how it was settled. */
function message(id: string, label: string, attempt = 1) {
  const sender = own.tracing.tracer.startSpan(`send ${id}`)
  const headers: Record<string, string> = { [SENT_AT]: String(Date.now()) }
  propagation.inject(trace.setSpan(context.active(), sender), headers)
  sender.end()
  const settled: string[] = []
  const body = Buffer.from(label === '' ? '{' : JSON.stringify({ requestId: id, label, probability: 0.5, votes: [] }))
  const settle = (how: string) => () => void settled.push(how)
  const delivery: Delivery = {
    id,
    headers,
    body,
    attempt,
    ack: settle('ack'),
    again: settle('again'),
    bury: settle('bury'),
  }
  return { delivery, settled, sender: sender.spanContext() }
}

/** A database that refuses what PostgreSQL refuses, the whole statement. */
const database = {
  insert: async (rows: readonly NewRow[]): Promise<void> => {
    await Promise.resolve()
    if (rows.some(({ label }) => label.includes('\0'))) throw Object.assign(new Error('0x00'), { code: '22021' })
    stored.push([...rows])
  },
}

async function handle(messages: readonly { readonly delivery: Delivery }[], using = database): Promise<void> {
  const signal = new AbortController().signal
  await storeBatch(
    messages.map(({ delivery }) => delivery),
    { place, database: using, counts, signal },
  )
}

/** The spans below the span that has sent it, once there are so many. */
async function below(sender: { spanId: string; traceId: string }, count: number): Promise<JsonSpan[]> {
  const find = (): JsonSpan[] => own.receiver.spans.filter(({ parentSpanId }) => parentSpanId === sender.spanId)
  await vi.waitFor(() => expect(find()).toHaveLength(count), 30_000)
  expect(find().every(({ traceId }) => traceId === sender.traceId)).toBe(true)
  return find().sort((a, b) => b.name.localeCompare(a.name))
}
const said = (span: JsonSpan | undefined, key: string): unknown =>
  Object.values(span?.attributes?.find((attribute) => attribute.key === key)?.value ?? {})[0]

describe('storeBatch', () => {
  it('goes on in the trace of the one that has sent: the wait, and the work that follows it', async () => {
    const one = message('one', 'cat')
    await handle([one])
    expect(one.settled).toEqual(['ack'])
    expect(stored).toMatchObject([[{ requestId: 'one', label: 'cat', sentAt: Number(one.delivery.headers[SENT_AT]) }]])
    // One span of another service below the one that has sent: one message, one call.
    const [span] = await below(one.sender, 1)
    expect([span?.name, span?.kind]).toEqual(['process results', CONSUMER])
    const [wait, work] = await below({ ...one.sender, spanId: span?.spanId ?? '' }, 2)
    expect([wait?.name, work?.name]).toEqual(['wait in the queue', 'store the result'])
    // The stages follow each other, so that they add up.
    expect(wait?.startTimeUnixNano).toBe(span?.startTimeUnixNano)
    expect(wait?.endTimeUnixNano).toBe(work?.startTimeUnixNano)
    expect([said(wait, 'stage.name'), said(work, 'stage.name')]).toEqual(['queue', 'store'])
    expect(said(span, 'stage.name')).toBeUndefined()
    expect(span?.links ?? []).toEqual([])
    expect(said(span, 'request.id')).toBe('one')
    expect(said(span, 'message.outcome')).toBe('stored')
    expect(counts).toEqual({ stored: 1, again: 0, buried: 0 })
  })

  it('stores several with one statement, and links each with the batch and back', async () => {
    const all = [message('a', 'cat'), message('b', 'dog')]
    await handle(all)
    expect(stored.map((rows) => rows.map(({ requestId }) => requestId))).toEqual([['a', 'b']])
    expect(all.map(({ settled }) => settled)).toEqual([['ack'], ['ack']])
    const works = await Promise.all(all.map(async ({ sender }) => (await below(sender, 1))[0]))
    await vi.waitFor(() => expect(own.receiver.spans.some(({ name }) => name === 'store a batch')).toBe(true), 30_000)
    const batch = own.receiver.spans.find(({ name }) => name === 'store a batch')
    expect(batch?.parentSpanId ?? '').toBe('')
    expect(batch?.links?.map(({ spanId }) => spanId)).toEqual(works.map((work) => work?.spanId))
    for (const work of works) expect(work?.links?.map(({ spanId }) => spanId)).toEqual([batch?.spanId])
    expect(Number(said(batch, 'messaging.batch.message_count'))).toBe(2)
  })

  it('does not have the others of a batch suffer for one that cannot be stored', async () => {
    const [good, bad] = [message('good', 'cat'), message('bad', 'dog\0')]
    await handle([good, bad])
    expect(good.settled).toEqual(['ack'])
    expect(stored.flat().map(({ requestId }) => requestId)).toEqual(['good'])
    await vi.waitFor(() => expect(bad.settled).toEqual(['again']), 30_000)
    const [work] = await below(bad.sender, 1)
    expect(work?.status?.code).toBe(ERROR)
    expect(counts).toEqual({ stored: 1, again: 1, buried: 0 })
  })

  it.each([
    ['the database can never store', 'dog\0'],
    ['nobody can read', ''],
  ])('puts aside what %s, after some attempts', async (_, label) => {
    const last = message('last', label, MOST_ATTEMPTS)
    await handle([last])
    expect(last.settled).toEqual(['bury'])
    const [work] = await below(last.sender, 1)
    expect(work?.name).toBe('process results')
    expect(said(work, 'message.outcome')).toBe('dead_letter')
    const before = message('before', label, MOST_ATTEMPTS - 1)
    await handle([before])
    await vi.waitFor(() => expect(before.settled).toEqual(['again']), 30_000)
    expect(counts).toEqual({ stored: 0, again: 1, buried: 1 })
  })

  it('waits for a database that is not reached: the message is not to blame', async () => {
    const one = message('one', 'cat', MOST_ATTEMPTS)
    let asked = 0
    const away = {
      insert: async (rows: readonly NewRow[]): Promise<void> => {
        if (asked++ === 0) throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
        await database.insert(rows)
      },
    }
    await handle([one], away)
    expect([asked, one.settled]).toEqual([2, ['ack']])
  })
})
