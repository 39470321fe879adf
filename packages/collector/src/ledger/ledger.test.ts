import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCounters, type RefusalFacts } from '../component/index.ts'
import { createTestLogger, tracesRequest } from '../testkit/index.ts'
import { createLedger } from './ledger.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const request = tracesRequest({ spans: 2 })
const socket = (remoteAddress: string): Socket => ({ remoteAddress }) as Socket

function create(capacity?: number) {
  const logger = createTestLogger()
  const counters = createCounters()
  const ledger = createLedger({ logger, counters, ...(capacity !== undefined && { capacity }) })
  return { ledger, logger, counters, door: ledger.door('otlp', 'grpc') }
}

test('the sender that was seen longest ago goes, is counted, and begins anew when it comes again', () => {
  const { ledger, door } = create(3)
  const first = socket('10.0.0.1')
  for (const [index, connection] of [first, socket('10.0.0.2'), socket('10.0.0.3')].entries()) {
    vi.advanceTimersByTime(1000)
    door.sender(connection).taken(index + 1)
  }
  vi.advanceTimersByTime(1000)
  door.sender(first).taken(1)
  door.sender(socket('10.0.0.4')).taken(1)
  const peers = () => ledger.report().senders.map(({ peer }) => peer)
  expect(peers().toSorted()).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.4'])
  expect(ledger.report().forgotten).toBe(1)
  for (const last of [5, 6, 7]) {
    vi.advanceTimersByTime(1000)
    door.sender(socket(`10.0.0.${last}`)).taken(1)
  }
  expect(peers()).not.toContain('10.0.0.1')
  door.sender(first).taken(9)
  expect(ledger.report().senders.find(({ peer }) => peer === '10.0.0.1')).toMatchObject({ ok: 1, items: 9 })
})

test('the same peer by another connection is the same sender; another user agent, receiver or port is not', () => {
  const { ledger, door } = create()
  door.sender(socket('10.0.0.1'), 'a').taken(1)
  door.sender(socket('::ffff:10.0.0.1'), 'a').taken(1)
  const connection = socket('10.0.0.1')
  door.sender(connection, 'b').taken(1)
  door.sender(connection, 'a').taken(1)
  ledger.door('otlp', 'http').sender(connection, 'a').taken(1)
  ledger.door('otlp/2', 'grpc').sender(connection, 'a').taken(1)
  expect(
    ledger
      .report()
      .senders.map(({ ok }) => String(ok))
      .toSorted()
      .join(),
  ).toBe('1,1,1,3')
})

test('what senders choose is cut', () => {
  const { ledger, door } = create()
  door.sender(socket('10.0.0.1'), 'x'.repeat(10_000)).refused('not_found', 'y'.repeat(10_000))
  const [sender] = ledger.report().senders
  expect(sender?.userAgent.length).toBe(200)
  expect(sender?.outcomes['not_found']?.detail.length).toBe(200)
})

test('items of the last minute', () => {
  const { ledger, door } = create()
  const rate = () => ledger.report().senders[0]?.itemsPerMinute
  const sender = door.sender(socket('10.0.0.1'))
  sender.taken(600)
  expect(rate()).toBe(600)
  vi.advanceTimersByTime(75_000)
  expect(rate()).toBe(450)
  sender.taken(100)
  expect(rate()).toBe(550)
  vi.advanceTimersByTime(60_000)
  expect(rate()).toBe(75)
  sender.taken(50)
  vi.advanceTimersByTime(300_000)
  expect(rate()).toBe(0)
})

test('the first requests of a sender are looked at, then one in a hundred', () => {
  const { ledger, door } = create()
  const sender = door.sender(socket('10.0.0.1'))
  for (let index = 0; index < 300; index++) sender.arrived('traces', request)
  expect(ledger.report().senders[0]?.sampled).toMatchObject({ requests: 6, items: 12 })
})

test('a refusal is logged once a minute for each sender and reason, with how often it happened', () => {
  const { logger, door } = create()
  const one = door.sender(socket('10.0.0.1'))
  for (let index = 0; index < 5; index++) one.refused('not_found', '/a')
  one.refused('too_large', 'large')
  door.sender(socket('10.0.0.2')).refused('not_found', '/b')
  expect(logger.lines.map(({ fields }) => [fields['peer'], fields['reason'], fields['times']])).toEqual([
    ['10.0.0.1', 'not_found', undefined],
    ['10.0.0.1', 'too_large', undefined],
    ['10.0.0.2', 'not_found', undefined],
  ])
  vi.advanceTimersByTime(59_000)
  one.refused('not_found', '/a')
  expect(logger.lines).toHaveLength(3)
  vi.advanceTimersByTime(1000)
  one.refused('not_found', '/c')
  expect(logger.lines[3]).toMatchObject({ fields: { error: '/c', times: 6 } })
})

test('a crowd of senders does not flood the log, and is told', () => {
  const { logger, door } = create()
  for (let index = 0; index < 250; index++) door.sender(socket(`10.0.1.${index}`)).refused('not_found', '/')
  expect(logger.lines).toHaveLength(100)
  vi.advanceTimersByTime(60_000)
  door.sender(socket('10.0.0.1')).refused('not_found', '/')
  expect(logger.lines).toHaveLength(102)
  expect(logger.lines[100]).toMatchObject({ fields: { refused: 150 } })
})

test('where the status of a collector is, is believed of senders on this machine', () => {
  const { ledger, door } = create()
  const address = 'http://127.0.0.1:55680'
  door.sender(socket('10.0.0.1')).announced(address)
  door.sender(socket('::ffff:127.0.0.1')).announced(address)
  door.sender(socket('::1')).announced('http://10.0.0.1:80')
  const told = ledger.report().senders.map(({ peer, collector }) => `${peer} ${collector}`)
  expect(told.toSorted()).toEqual(['10.0.0.1 undefined', `127.0.0.1 ${address}`, '::1 undefined'])
})

describe('what is to be mended', () => {
  const of = (ledger: ReturnType<typeof createLedger>) =>
    ledger.report().attention.map(({ code, count }) => `${code} ${count}`)

  test('stays for an hour where nothing was taken since, and for a minute where something was', () => {
    const { ledger, door } = create()
    const sender = door.sender(socket('10.0.0.1'), 'shop/1')
    sender.refused('too_large', 'it is too large')
    vi.advanceTimersByTime(59 * 60_000)
    expect(of(ledger)).toEqual(['too_large 1'])
    sender.taken(1)
    expect(of(ledger)).toEqual([])
    sender.refused('too_large', 'it is too large')
    vi.advanceTimersByTime(1000)
    sender.taken(1)
    // Another program of this kind on that machine may be the one that is refused.
    vi.advanceTimersByTime(57_000)
    expect(of(ledger)).toEqual(['too_large 2'])
    vi.advanceTimersByTime(3000)
    expect(of(ledger)).toEqual([])
    sender.refused('too_large', 'it is too large')
    vi.advanceTimersByTime(61 * 60_000)
    expect(of(ledger)).toEqual([])
  })

  test('spans that are taken say nothing of metrics that are not', () => {
    const { ledger, door } = create()
    const sender = door.sender(socket('10.0.0.1'))
    sender.refused('no_pipeline', 'no', { signal: 'metrics' })
    vi.advanceTimersByTime(120_000)
    sender.taken(1)
    expect(of(ledger)).toEqual(['no_pipeline 1'])
    vi.advanceTimersByTime(10 * 60_000)
    expect(of(ledger)).toEqual([])
  })

  test('the same of many senders of one kind is told once; the gravest first', () => {
    const { ledger, door } = create()
    for (const last of [1, 2, 3]) {
      vi.advanceTimersByTime(1000)
      const sender = door.sender(socket(`10.0.0.${last}`), 'shop/1')
      sender.refused('not_found', 'nothing there', { path: '/v1/traces/v1/traces' })
      sender.refused('overloaded', 'too much')
    }
    const [first, second, ...more] = ledger.report().attention
    expect(more).toEqual([])
    expect([first?.code, second?.code]).toEqual(['doubled_path', 'overloaded'])
    expect(first).toMatchObject({
      count: 3,
      where: expect.stringMatching(/^shop\/1 on 10\.0\.0\.3.*; and 2 more$/) as string,
    })
    expect(first!.lastSeenMs - first!.firstSeenMs).toBe(2000)
  })

  test('one sender that gets several things wrong is told of each, in the log, too; one that tries everything is not told without end', () => {
    const { ledger, logger, door } = create()
    const sender = door.sender(socket('10.0.0.1'), 'shop/1')
    sender.refused('not_found', 'nothing there', { path: '/v1/traces/v1/traces' })
    sender.refused('not_found', 'nothing there', { path: '/' })
    sender.refused('no_pipeline', 'no', { signal: 'metrics' })
    sender.refused('no_pipeline', 'no', { signal: 'logs' })
    expect(of(ledger).toSorted()).toEqual(['doubled_path 1', 'missing_path 1', 'no_pipeline 1', 'no_pipeline 1'])
    expect(ledger.report().senders[0]?.outcomes['not_found']?.count).toBe(2)
    expect(logger.lines).toHaveLength(4)
    for (let index = 0; index < 100; index++) sender.refused('not_found', 'nothing there', { path: `/${index}` })
    expect(ledger.report().senders[0]?.attention.length).toBe(20)
    expect(logger.lines).toHaveLength(10)
  })

  test('a collector that exports to itself', () => {
    const address = 'http://127.0.0.1:55680'
    const ledger = createLedger({
      logger: createTestLogger(),
      counters: createCounters(),
      surroundings: () => ({ isOwnConfig: false, statusAddress: address }),
    })
    const door = ledger.door('otlp', 'grpc')
    door.sender(socket('127.0.0.1'), 'other').announced('http://127.0.0.1:55681')
    const itself = door.sender(socket('127.0.0.1'), 'spoor')
    itself.announced(address)
    itself.taken(1)
    expect(of(ledger)).toEqual(['exports_to_itself 1'])
  })

  test('our own doctor, who tries what may be wrong, is not told of', () => {
    const { ledger, door } = create()
    door.sender(socket('127.0.0.1'), 'spoor-doctor/1').refused('not_found', 'nothing there', { path: '/' })
    expect(of(ledger)).toEqual([])
  })

  test('what was seen in spans goes when a later look does not show it', () => {
    const { ledger, door } = create()
    const sender = door.sender(socket('10.0.0.1'))
    sender.arrived('traces', tracesRequest({ startUnixNano: 1_800_000_000_000n }))
    sender.taken(1)
    expect(of(ledger)).toEqual(['times_in_milliseconds 1'])
    sender.arrived('traces', request)
    vi.advanceTimersByTime(61_000)
    sender.taken(2)
    sender.arrived('traces', request)
    expect(of(ledger)).toEqual([])
  })

  test('of senders that come rarely, one request in ten seconds is looked at', () => {
    const { ledger, door } = create()
    const sender = door.sender(socket('10.0.0.1'))
    for (let index = 0; index < 10; index++) {
      vi.advanceTimersByTime(11_000)
      sender.arrived('traces', request)
      sender.taken(2)
    }
    expect(ledger.report().senders[0]?.sampled.requests).toBeGreaterThan(8)
  })

  test.each<[reason: string, facts: RefusalFacts, code: string, line: string]>([
    ['not_found', { path: '/' }, 'missing_path', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://10.0.0.9:4318/v1/traces'],
    [
      'not_found',
      { path: '/v1/traces/v1/metrics' },
      'doubled_path',
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://10.0.0.9:4318',
    ],
    [
      'not_found',
      { path: '/', authority: 'x;reboot' },
      'missing_path',
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://10.0.0.9:4318/v1/traces',
    ],
    [
      'not_found',
      { path: '/', authority: 'spoor:14318' },
      'missing_path',
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://spoor:14318/v1/traces',
    ],
    ['not_found', { path: '/jaeger.api_v2.CollectorService/PostSpans' }, 'jaeger', 'OTEL_TRACES_EXPORTER=otlp'],
    ['plain_to_tls_port', {}, 'plain_to_tls_port', 'OTEL_EXPORTER_OTLP_ENDPOINT=https://10.0.0.9:4318'],
    [
      'unauthenticated',
      { credentials: '' },
      'unauthenticated',
      'OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN',
    ],
    [
      'unauthenticated',
      { credentials: 'Bearer%20' },
      'unauthenticated',
      "OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer TOKEN'",
    ],
    [
      'tls_to_plain_port',
      { wants: 'grpc' },
      'tls_to_plain_port',
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://10.0.0.9:4318',
    ],
  ])('%s %j', (reason, facts, code, line) => {
    const { ledger } = create()
    const traits = { named: 'http', hasTls: false, tracesPath: '/v1/traces' }
    const connection = { remoteAddress: '10.0.0.1', localAddress: '10.0.0.9', localPort: 4318 } as Socket
    ledger.door('otlp', 'http', traits).sender(connection).refused(reason, 'no', facts)
    const [told] = ledger.report().attention
    expect([told?.code, told?.lines[0]?.text]).toEqual([code, line])
  })
  test('TLS of clients that may mean gRPC or HTTP is told as the port is named', () => {
    const lineAt = (named: 'grpc' | 'http'): string | undefined => {
      const { ledger } = create()
      const connection = { remoteAddress: '10.0.0.1', localAddress: '10.0.0.9', localPort: 4318 } as Socket
      const door = ledger.door('otlp', named, { named, hasTls: false, tracesPath: '/v1/traces' })
      door.sender(connection).refused('tls_to_plain_port', 'no', { wants: undefined })
      return ledger.report().attention[0]?.lines[0]?.text
    }
    expect(lineAt('grpc')).toBe('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://10.0.0.9:4318')
    expect(lineAt('http')).toBe('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://10.0.0.9:4318/v1/traces')
  })
})
