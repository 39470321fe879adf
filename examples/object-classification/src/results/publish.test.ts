import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EnsembleResult } from '../service/prediction.ts'
import { setFaults } from '../service/faults.ts'
import type { JsonSpan } from '../testkit/receive-spans.ts'
import { traced } from '../testkit/traced.ts'
import { readResult, SENT_AT, UnreadableError } from './message.ts'
import { publishResult } from './publish.ts'
import { placeOf, queueKind } from './queue.ts'
import type { Message, Publisher } from './queue.ts'

const ERROR = 2
const PRODUCER = 4

const own = traced('ensemble')
afterEach(() => setFaults({}))

const result: EnsembleResult = {
  requestId: 'one',
  index: 3,
  label: 'cat',
  probability: 0.75,
  top: [],
  votes: [{ model: 'a', index: 3, label: 'cat', probability: 0.75 }],
  failed: [],
}

/** A queue that keeps what it is sent, or refuses it. */
function queue(refusal?: Error): Publisher & { readonly sent: Message[] } {
  const sent: Message[] = []
  return {
    sent,
    place: placeOf('amqp://127.0.0.1:5673'),
    publish: (message) => (refusal ? Promise.reject(refusal) : Promise.resolve(void sent.push(message))),
    close: () => Promise.resolve(),
  }
}

async function spanOf(id: string | undefined): Promise<JsonSpan> {
  return vi.waitFor(() => {
    const found = own.receiver.spans.find(({ spanId }) => spanId === id)
    if (!found) throw new Error('it has not come')
    return found
  }, 30_000)
}

describe('publishResult', () => {
  it("sends what is stored, with the sending span's own context", async () => {
    const to = queue()
    await publishResult(to, result)
    const [message] = to.sent
    expect(readResult(message?.body ?? new Uint8Array())).toEqual({
      requestId: 'one',
      label: 'cat',
      probability: 0.75,
      votes: [{ model: 'a', label: 'cat', probability: 0.75 }],
    })
    expect(Number(message?.headers[SENT_AT])).toBeGreaterThan(0)
    const span = await spanOf(message?.headers['traceparent']?.split('-')[2])
    expect(span).toMatchObject({ name: 'send results', kind: PRODUCER })
    const said = Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]))
    expect(said).toMatchObject({
      'messaging.system': 'rabbitmq',
      'messaging.destination.name': 'results',
      'messaging.message.id': message?.id,
      'server.port': '5673',
      'request.id': 'one',
    })
  })

  it('is an error where the queue has not taken it', async () => {
    await expect(publishResult(queue(new Error('the queue is full')), result)).rejects.toThrow('the queue is full')
    await vi.waitFor(
      () =>
        expect(own.receiver.spans.find(({ status }) => status?.code === ERROR)?.status?.message).toBe(
          'the queue is full',
        ),
      30_000,
    )
  })

  it('spoils a label where that is switched on', async () => {
    const to = queue()
    setFaults({ poison_message: { percent: 100 } })
    await publishResult(to, result)
    expect(readResult(to.sent[0]?.body ?? new Uint8Array()).label).toBe('cat\0')
  })
})

describe('messages and addresses', () => {
  it.each(['', '{', 'null', '[]', '{"requestId":"a","label":"b"}'])('is no result: %j', (text) => {
    expect(() => readResult(Buffer.from(text))).toThrow(UnreadableError)
  })

  it.each([
    ['http://127.0.0.1:5672', 'write amqp://host:port'],
    ['rabbit', 'not a URL'],
  ])('refuses the queue %s', (url, message) => {
    expect(() => queueKind(url)).toThrow(message)
  })

  it('knows the port of RabbitMQ', () => {
    expect(placeOf('amqp://rabbit.example')).toEqual({ system: 'rabbitmq', host: 'rabbit.example', port: 5672 })
  })
})
