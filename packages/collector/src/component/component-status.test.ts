import { expect, test } from 'vitest'
import { aggregate, createTroubles, StatusTracker, type ComponentStatus, type StatusEvent } from './component-status.ts'

const event = (status: ComponentStatus, sinceMs = 0, message = ''): StatusEvent => ({ status, sinceMs, message })
const whole = (...statuses: readonly ComponentStatus[]): ComponentStatus =>
  aggregate(new Map(statuses.map((status, index) => [String(index), event(status)]))).status

test('what comes after what, and that nothing else changes it', () => {
  const seen: string[] = []
  const tracker = new StatusTracker(({ status }) => seen.push(status))
  tracker.to('ok')
  expect(tracker.event.status).toBe('none')
  for (const status of ['starting', 'ok', 'recoverable_error', 'ok', 'permanent_error', 'ok', 'stopping'] as const)
    tracker.to(status)
  tracker.to('ok')
  tracker.to('stopped')
  tracker.to('recoverable_error')
  expect(seen).toEqual(['starting', 'ok', 'recoverable_error', 'ok', 'permanent_error', 'ok', 'stopping', 'stopped'])
})

test('the same status with another message is as old as it was, and no event', () => {
  let events = 0
  const tracker = new StatusTracker(() => events++)
  tracker.to('starting')
  tracker.to('recoverable_error', 'first')
  const { sinceMs } = tracker.event
  tracker.to('recoverable_error', 'second')
  expect(tracker.event).toEqual({ status: 'recoverable_error', sinceMs, message: 'second' })
  expect(events).toBe(2)
  const same = tracker.event
  tracker.to('recoverable_error', 'second')
  expect(tracker.event).toBe(same)
})

test('several as one', () => {
  expect(whole()).toBe('none')
  expect(whole('ok', 'ok')).toBe('ok')
  expect(whole('stopped', 'stopped')).toBe('stopped')
  expect(whole('ok', 'recoverable_error')).toBe('recoverable_error')
  expect(whole('recoverable_error', 'permanent_error', 'ok')).toBe('permanent_error')
  expect(whole('permanent_error', 'stopping')).toBe('stopping')
  expect(whole('stopping', 'starting')).toBe('starting')
  expect(whole('starting', 'fatal_error')).toBe('fatal_error')
  expect(whole('ok', 'none')).toBe('starting')
  expect(whole('ok', 'stopped')).toBe('stopping')
})

test('an error is as old as the first one and says whose it is; being well, as old as the last to become so', () => {
  const late = ['b', event('recoverable_error', 20, 'late')] as const
  const early = ['a', event('recoverable_error', 10, 'early')] as const
  expect(aggregate(new Map([late, early, ['c', event('ok', 30)]]))).toEqual({
    status: 'recoverable_error',
    sinceMs: 10,
    message: 'a: early',
  })
  expect(aggregate(new Map([['a', event('ok', 10)] as const, ['b', event('ok', 20)] as const])).sinceMs).toBe(20)
})

test('with several troubles it is as ill as the worst, and well when the last is over', () => {
  const seen: string[] = []
  const troubles = createTroubles((...told) => seen.push(told.join(' ')))
  troubles.clear('a')
  troubles.set('a', 'recoverable_error', 'away')
  troubles.set('b', 'permanent_error', 'refused')
  troubles.clear('a')
  troubles.clear('b')
  troubles.clear('b')
  expect(seen).toEqual(['recoverable_error away', 'permanent_error refused', 'permanent_error refused', 'ok'])
})
