import { describe, expect, it } from 'vitest'
import { MemoryBroker } from './memory-broker.ts'
import type { Attached, Sent } from './memory-broker.ts'

const message = (id: string) => ({ id, headers: {}, body: new Uint8Array() })

function take(broker: MemoryBroker, prefetch: number): { got: Sent[]; attached: Attached } {
  const got: Sent[] = []
  return { got, attached: broker.attach(prefetch, (sent) => got.push(sent)) }
}
const ids = (got: readonly Sent[]): string[] => got.map(({ id, attempt }) => `${id}${attempt}`)

describe('MemoryBroker', () => {
  it('delivers in order, no more than are wanted at once', () => {
    const broker = new MemoryBroker()
    for (const id of ['a', 'b', 'c']) broker.publish(message(id))
    const { got, attached } = take(broker, 2)
    expect(ids(got)).toEqual(['a1', 'b1'])
    attached.settle(got[0]?.tag ?? 0, 'ack')
    attached.settle(got[0]?.tag ?? 0, 'ack')
    expect(ids(got)).toEqual(['a1', 'b1', 'c1'])
    expect(broker.length).toBe(2)
  })

  it('delivers again what is to come again, before what came later, and says for which time', () => {
    const broker = new MemoryBroker()
    const { got, attached } = take(broker, 1)
    for (const id of ['a', 'b']) broker.publish(message(id))
    attached.settle(got[0]?.tag ?? 0, 'again')
    attached.settle(got[1]?.tag ?? 0, 'bury')
    expect(ids(got)).toEqual(['a1', 'a2', 'b1'])
    expect([broker.dead, broker.length]).toEqual([1, 1])
  })

  it('delivers what a consumer has left to the next one', () => {
    const broker = new MemoryBroker()
    const first = take(broker, 2)
    for (const id of ['a', 'b', 'c']) broker.publish(message(id))
    first.attached.settle(first.got[0]?.tag ?? 0, 'ack')
    first.attached.detach()
    expect(ids(take(broker, 5).got)).toEqual(['b2', 'c2'])
  })

  it('refuses what is beyond its limit', () => {
    const broker = new MemoryBroker(1)
    broker.publish(message('a'))
    expect(() => broker.publish(message('b'))).toThrow('the queue is full: 1 messages wait already')
  })
})
