import type { OnPartial, PartialAnswer } from '@spoor/storage'
import { expect, it } from 'vitest'
import { growing } from './growing.ts'

const partial = (n: number): PartialAnswer<number> => ({ partsDone: n, partsTotal: 9, answer: n })

it('tells the latest of what there is so far, and at last the answer', async () => {
  const answer = Promise.withResolvers<number>()
  let tell: OnPartial<number> = () => {}
  const told = growing<number>((onPartial) => {
    tell = onPartial
    return answer.promise
  })
  const first = told.next()
  tell(partial(1))
  expect((await first).value).toEqual(partial(1))
  // Nobody has asked for these: only the latest is kept.
  tell(partial(2))
  tell(partial(3))
  expect((await told.next()).value).toEqual(partial(3))
  const last = told.next()
  answer.resolve(9)
  expect((await last).value).toEqual({ answer: 9 })
  expect((await told.next()).done).toBe(true)
})

it('fails as the question does, before anything was told and after it', async () => {
  await expect(growing(() => Promise.reject(new Error('no'))).next()).rejects.toThrow('no')
  const later = growing<number>(async (onPartial) => {
    onPartial(partial(1))
    await Promise.resolve()
    throw new Error('gone')
  })
  expect((await later.next()).value).toEqual(partial(1))
  await expect(later.next()).rejects.toThrow('gone')
})
