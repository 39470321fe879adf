import { expect, it } from 'vitest'
import { StillClock } from '../read/blocks.test.helper.ts'
import { Supervisor } from './supervisor.ts'

function supervised() {
  const starts: string[] = []
  const supervisor = new Supervisor<never, never>(new StillClock(), () => {}, {
    part: 'sealer',
    start() {
      starts.push('start')
      const port = { post() {}, onMessage() {}, receive: () => undefined, close() {} }
      const ended = Promise.withResolvers<string>()
      return { port, ended: ended.promise, terminate: () => ended.resolve('ended') }
    },
    started() {},
    onMessage() {},
    lost() {},
    gaveUp() {},
  })
  return { supervisor, starts }
}

it('starts its part once, however often it is asked to', async () => {
  const { supervisor, starts } = supervised()
  supervisor.start()
  supervisor.start()
  await supervisor.stop()
  supervisor.start()
  expect(starts).toEqual(['start'])
})

it('does not start it after the stop: what asks for it may have been on its way', async () => {
  const { supervisor, starts } = supervised()
  await supervisor.stop()
  supervisor.start()
  expect([starts, supervisor.isRunning]).toEqual([[], false])
})
