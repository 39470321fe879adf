import { createCounters, prometheusText } from '@spoor/collector'
import { describeStoreEvent, STORE_EVENTS, type StoreEvent, type StoreEventCode } from '@spoor/storage'
import { expect, it } from 'vitest'
import { METRICS } from './http/metric-catalogue.ts'
import { createStoreEvents } from './store-events.ts'

const EVENTS: { readonly [C in StoreEventCode]: StoreEvent & { code: C } } = {
  opened: { code: 'opened', directory: '/d', spans: 5, segments: 1, elapsedMs: 3, readOnly: false },
  recovered: { code: 'recovered', file: '1.log', blocks: 2, tornBytes: 77 },
  damaged: { code: 'damaged', file: '1.log', offset: 9, bytes: 40, maxSpans: 12, perhaps: false, kept: undefined },
  dropped: { code: 'dropped', reason: 'age', segments: 1, spans: 30, bytes: 900, oldest: undefined, newest: undefined },
  kept: { code: 'kept', segments: 2, spans: 12, bytes: 500, pinned: 1, errors: 3, slow: 0, continued: 2 },
  not_kept: { code: 'not_kept', file: '1.seal', spans: 30, reason: 'it was not written in time' },
  sealed: { code: 'sealed', segments: 2, spans: 40, bytesBefore: 900, bytes: 400 },
  not_sealed: { code: 'not_sealed', file: '1.log', reason: 'it is damaged' },
  crowded: { code: 'crowded', file: '1.log', maxOperations: 20_000, service: 'shop' },
  full: { code: 'full', freeBytes: 0, reserveBytes: 10 },
  failing: { code: 'failing', part: 'disk', reason: 'EIO' },
  recovered_again: { code: 'recovered_again', part: 'disk', afterMs: 10, failures: 2 },
  restarted: { code: 'restarted', part: 'writer', reason: 'it died', restarts: 1, maxRestarts: 3, withinMs: 1000 },
  gave_up: { code: 'gave_up', part: 'writer', reason: 'it died', restarts: 3, withinMs: 1000 },
}

function listen() {
  const counters = createCounters()
  const lines: { level: string; fields: object; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { counters, lines, hear: createStoreEvents(logger, counters) }
}

it.each(Object.values(EVENTS))('tells of $code in the log, and counts it', (event) => {
  const { counters, lines, hear } = listen()
  hear(event)
  const { code, ...fields } = event
  const { severity, metric, label } = STORE_EVENTS[code]
  expect(lines).toEqual([{ level: severity, fields: { event: code, ...fields }, message: describeStoreEvent(event) }])
  const labels = label === undefined ? {} : { [label]: (event as unknown as Record<string, string>)[label] }
  expect(counters.snapshot()).toContainEqual({ name: metric, labels, value: 1 })
})

it('adds up what was dropped and damaged', async () => {
  const { counters, hear } = listen()
  for (const event of [
    EVENTS.dropped,
    EVENTS.dropped,
    EVENTS.damaged,
    { ...EVENTS.damaged, maxSpans: undefined },
    EVENTS.recovered,
    EVENTS.sealed,
    EVENTS.sealed,
    EVENTS.kept,
    EVENTS.kept,
  ])
    hear(event)
  const text = await prometheusText(counters, { catalogue: METRICS })
  expect(text).toContain('spoor_store_dropped_spans{reason="age"} 60\n')
  expect(text).toContain('spoor_store_dropped_bytes{reason="age"} 1800\n')
  expect(text).toContain('spoor_store_dropped_spans{reason="size"} 0\n')
  expect(text).toContain('spoor_store_damaged_spans 12\n')
  expect(text).toContain('spoor_store_damaged_bytes 80\n')
  expect(text).toContain('spoor_store_recovered_torn_bytes 77\n')
  expect(text).toContain('spoor_store_sealed_spans 80\n')
  expect(text).toContain('spoor_store_kept_spans 24\n')
  expect(text).toContain('spoor_store_kept_traces{reason="errors"} 6\n')
  expect(text).toContain('spoor_store_kept_traces{reason="slow"} 0\n')
})

it('has a type and a help line for each of its metrics, and every series from the start', async () => {
  const { counters } = listen()
  const text = await prometheusText(counters, { catalogue: METRICS })
  expect(text).not.toContain('untyped')
  for (const { metric } of Object.values(STORE_EVENTS)) {
    expect(text).toContain(`# HELP ${metric} ${METRICS[metric]!.help}\n# TYPE ${metric} counter\n`)
  }
  expect(text).toContain('spoor_store_failing{part="search_reader"} 0\n')
  expect(text).toContain('spoor_store_dropped_spans{reason="kept_age"} 0\n')
})
