import { expect, test } from 'vitest'
import { EMPTY_CONTEXT, type Consumer } from '../component/index.ts'
import { batchOf } from '../exporters/fixture.ts'
import { tracesRequest } from '../testkit/index.ts'
import { Taps } from './taps.ts'

const consumer: Consumer = { durable: true, consume: async () => {} }

test('in front of the same consumer there is the same one, so that a reload sees that nothing has changed', () => {
  const tap = new Taps().at('traces', 'batch')
  expect(tap.inFrontOf(consumer)).toBe(tap.inFrontOf(consumer))
  expect(tap.inFrontOf(consumer).durable).toBe(true)
  expect(tap.inFrontOf({ ...consumer })).not.toBe(tap.inFrontOf(consumer))
})

test('each look sees what goes through until it ends', async () => {
  const taps = new Taps()
  const front = taps.at('traces', 'batch').inFrontOf(consumer)
  const seen: string[] = []
  const send = () => front.consume(batchOf(tracesRequest(), 1), EMPTY_CONTEXT)
  const ends = ['a', 'b'].map((name) => taps.open('traces:batch', () => seen.push(name))!)
  await send()
  ends[0]!()
  await send()
  ends[1]!()
  await send()
  expect(seen).toEqual(['a', 'b', 'b'])
  expect(taps.open('traces:other', () => {})).toBeUndefined()
})
