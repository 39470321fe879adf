import { expect, it } from 'vitest'
import { attentionOf, Processes } from './processes.ts'

const T0 = 1_800_000_000_000
const SECOND = 1_000
const headerOf = (fields: Readonly<Record<string, unknown>> = {}): string =>
  Buffer.from(
    JSON.stringify({ id: 'process-1', service: 'shop', pid: 7, host: 'h1', everyMs: 10_000, ended: 3, ...fields }),
  ).toString('base64url')

/** Reports at their seconds, and what is told then. */
function told(reports: readonly (readonly [second: number, fields?: object])[], second: number) {
  const processes = new Processes()
  for (const [at, fields] of reports) processes.reported(headerOf({ ...fields }), T0 + at * SECOND, at * SECOND)
  const known = processes.report(T0 + second * SECOND, second * SECOND)
  return { states: known.map(({ state }) => state), attention: attentionOf(known), known }
}

it('a process that was killed is gone without goodbye, once several reports are missing', () => {
  const reports = [[0], [10, { waiting: 2, open: 1 }]] as const
  expect(told(reports, 44)).toMatchObject({ states: ['running'], attention: [] })
  const { states, attention } = told(reports, 46)
  expect(states).toEqual(['gone'])
  expect(attention).toMatchObject([
    {
      code: 'gone_without_goodbye',
      what: expect.stringMatching(/^shop \(process 7 on h1\) is gone without goodbye.* 3 of its spans were/) as string,
      lines: [{ kind: 'shell' }],
      firstSeenMs: T0,
      lastSeenMs: T0 + 10 * SECOND,
    },
  ])
})

it('one that has said goodbye has ended, whatever comes late; one that had no spans is not missed', () => {
  expect(told([[0], [5, { goodbye: true, exitCode: 1 }], [6]], 100)).toMatchObject({
    states: ['ended'],
    attention: [],
    known: [{ exitCode: 1 }],
  })
  expect(told([[0, { ended: 0 }]], 100)).toMatchObject({ states: ['gone'], attention: [] })
})

it('one that is heard of again was not gone, and a machine that has slept has lost none', () => {
  expect(told([[0], [60]], 61).states).toEqual(['running'])
  const processes = new Processes()
  processes.reported(headerOf(), T0, 0)
  // Hours by the calendar, a second by the clock that stands still.
  expect(processes.report(T0 + 3_000 * SECOND, SECOND)[0]?.state).toBe('running')
})

it('what it has dropped, lost and never ended is told with the line that mends it', () => {
  const leak = { neverEnded: [{ name: 'poll', scope: 'jobs', count: 12 }], goodbye: true }
  expect(told([[0, { dropped: 4, ended: 10 }]], 1).attention).toMatchObject([
    { code: 'spans_dropped', severity: 'error', count: 4, lines: [{ text: 'SPOOR_MAX_QUEUE_BYTES=268435456' }] },
  ])
  expect(told([[0, { failed: 2, ended: 10, firstError: 'refused' }]], 1).attention).toMatchObject([
    { code: 'spans_lost', what: expect.stringContaining('2 of 10 spans. First: refused') as string },
  ])
  expect(told([[0, leak]], 1).attention).toMatchObject([
    { code: 'never_ended', what: expect.stringContaining('12 spans "poll" of jobs') as string },
  ])
  // Requests that are under way when it ends are no leak, nor are they while it runs.
  expect(told([[0, { ...leak, neverEnded: [{ name: 'GET', scope: 'http', count: 9 }] }]], 1).attention).toEqual([])
  expect(told([[0, { ...leak, goodbye: false }]], 1).attention).toEqual([])
})

it('what is no report is left alone, and what one says is cut', () => {
  const processes = new Processes()
  for (const header of [
    '',
    '%%%',
    Buffer.from('null').toString('base64url'),
    headerOf({ id: '../x' }),
    'A'.repeat(9_000),
  ])
    processes.reported(header)
  expect(processes.report()).toEqual([])
  processes.reported(headerOf({ service: `a\n${'b'.repeat(300)}`, ended: -1, patched: 'no', everyMs: 1 }))
  expect(processes.report()[0]).toMatchObject({
    service: `a ${'b'.repeat(198)}`,
    ended: 0,
    patched: [],
    everyMs: 1_000,
  })
})

it('of too many the one goes that was heard of longest ago', () => {
  const processes = new Processes()
  for (let index = 0; index <= 1_000; index++) processes.reported(headerOf({ id: `process-${index}` }))
  const ids = processes.report().map(({ id }) => id)
  expect(ids).toHaveLength(1_000)
  expect(ids).not.toContain('process-0')
})
