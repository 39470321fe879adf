import { countSpans, decodeTraces, tracesToJson } from '@spoor/otlp'
import { expect, onTestFinished, test } from 'vitest'
import { createBudget, NO_DOOR } from '../../component/index.ts'
import { tracesRequest } from '../../testkit/index.ts'
import { Call } from '../../receiver-helper/index.ts'
import { createConverter, type Converter, type ConverterOptions } from './conversion.ts'
import type { Message } from '../../otlp-protocol/message.ts'

const request = tracesRequest({ spans: 50, rich: true })
const json = (): Uint8Array => Buffer.from(tracesToJson(request))

function start(
  options?: ConverterOptions,
  maxBytes?: number,
): {
  converter: Converter
  budget: ReturnType<typeof createBudget>
  convert: (body: Uint8Array, call?: Call) => Promise<Message>
} {
  const converter = createConverter(options)
  onTestFinished(() => converter.close())
  const budget = createBudget(maxBytes)
  return {
    converter,
    budget,
    async convert(body, call = new Call(budget, () => {}, NO_DOOR.sender(undefined))) {
      try {
        return await converter.convert({ signal: 'traces', encoding: 'json', body }, call)
      } finally {
        call.lease.release()
      }
    },
  }
}

test('many at a time, each gets its own', async () => {
  const { convert, budget } = start()
  const requests = Array.from({ length: 10 }, (_, index) => tracesRequest({ spans: index + 1, seed: index }))
  const messages = await Promise.all(requests.map((bytes) => convert(Buffer.from(tracesToJson(bytes)))))
  expect(messages.map(({ items }) => items)).toEqual(requests.map((bytes) => countSpans(bytes)))
  expect(messages.map(({ bytes }) => decodeTraces(bytes))).toEqual(requests.map((bytes) => decodeTraces(bytes)))
  expect(budget.used).toBe(0)
})

test('what is wrong with a message is told as it is elsewhere', async () => {
  const { convert } = start()
  await expect(convert(Buffer.from('{"resourceSpans":5}'))).rejects.toMatchObject({
    name: 'OtlpError',
    code: 'json',
    path: 'resourceSpans',
    message: 'resourceSpans: expected an array, got 5',
  })
  await expect(convert(Buffer.from(`${'['.repeat(20_000)}1234567890123456789`))).rejects.toMatchObject({
    name: 'OtlpError',
  })
})

test('values that would take some hundred megabytes together do not end the thread', async () => {
  const { convert } = start()
  const span = JSON.stringify({ name: 'x', attributes: Array.from({ length: 100 }, () => ({})) })
  for (const list of ['[],'.repeat(6_000_000), `${span},`.repeat(50_000)]) {
    const body = Buffer.from(`{"x":[${list}0],"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`)
    await expect(convert(body)).resolves.toMatchObject({ rejected: 1 })
  }
}, 120_000)

test('a thread that dies of one message is told of, and the next is converted', async () => {
  const { converter, budget, convert } = start()
  const unknown = { signal: 'profiles' as 'traces', encoding: 'json', body: json() } as const
  const [dead, next] = await Promise.allSettled([
    converter.convert(unknown, new Call(budget, () => {}, NO_DOOR.sender(undefined))),
    convert(json()),
  ])
  expect(dead).toMatchObject({ status: 'rejected', reason: { code: 'internal', retryable: false } })
  expect(next).toMatchObject({ status: 'fulfilled', value: { items: 50 } })
})

test('a client that left while it waited costs no work', async () => {
  const { converter, budget, convert } = start()
  const call = new Call(budget, () => {}, NO_DOOR.sender(undefined))
  const first = convert(json())
  const second = convert(json(), call)
  call.leave()
  await expect(second).rejects.toMatchObject({ code: 'unavailable' })
  expect((await first).items).toBe(50)
  await converter.close()
  await expect(convert(json())).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('shutting down') as string,
  })
})

test('a thread that is ended in the middle of its work is told of', async () => {
  const { converter, convert } = start()
  const underWay = convert(json())
  await new Promise((resolve) => setImmediate(resolve))
  const [result] = await Promise.allSettled([underWay, converter.close()])
  if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'unavailable', retryable: true })
  else expect(result.value.items).toBe(50)
})

test('an idle thread is ended, and started again when it is needed', async () => {
  const { convert } = start({ idleMs: 20 })
  expect((await convert(json())).items).toBe(50)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await convert(json())).items).toBe(50)
})

test('what it takes to convert is in the budget', async () => {
  const body = json()
  const { convert, budget } = start({}, body.length * 2)
  await expect(convert(body)).resolves.toMatchObject({ items: 50 })
  budget.take(1, 'queue')
  await expect(convert(json())).rejects.toMatchObject({ code: 'overloaded', retryable: true })
})
