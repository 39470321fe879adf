import { expect, test } from 'vitest'
import { ratesOf, stagesOf, type CollectorLook, type Component } from './rates.ts'

const ok = { status: 'ok', sinceMs: 0, message: '' } as const

function component(kind: Component['kind'], id: string, figures: Partial<Component['figures']> = {}): Component {
  return { kind, id, status: ok, figures: { failed: {}, ...figures }, listening: [] }
}

function look(atMs: number, components: readonly Component[], startedAtMs = 1): CollectorLook {
  const pipelines = [{ id: 'traces', signal: 'traces', status: ok, components }] as const
  return { version: '1', startedAtMs, atMs, status: ok, extensions: [], pipelines }
}

test('a rate is the difference of two looks by the seconds between them', () => {
  const now = component('processor', 'batch', { in: 300, out: 100 })
  const before = component('processor', 'batch', { in: 100, out: 100 })
  const looks = [look(4_000, [now]), look(2_000, [before])] as const
  expect(ratesOf('traces', now, ...looks)).toEqual({ in: 100, out: 0 })
})

test('there is no rate at first, after a restart, of another pipeline, and of what is not counted', () => {
  const now = component('exporter', 'debug', { in: 300 })
  const before = component('exporter', 'debug', { in: 100 })
  const at = look(4_000, [now])
  expect(ratesOf('traces', now, at, undefined)).toEqual({})
  expect(ratesOf('traces', now, at, look(2_000, [before], 2))).toEqual({})
  expect(ratesOf('traces/other', now, at, look(2_000, [before]))).toEqual({})
  expect(ratesOf('traces', now, at, look(2_000, [component('receiver', 'debug', { in: 1 })]))).toEqual({})
  expect(ratesOf('traces', now, at, look(2_000, [before]))).toEqual({ in: 100 })
})

test('stages are receivers, each processor, exporters; a connector is at its end of the pipeline', () => {
  const at = (place: Component['place'] & string, id: string, kind: Component['kind'] = place): Component => ({
    ...component(kind, id),
    place,
  })
  const stages = stagesOf([
    at('receiver', 'otlp'),
    at('receiver', 'forward', 'connector'),
    at('processor', 'limiter'),
    at('processor', 'batch'),
    at('exporter', 'debug'),
    at('exporter', 'forward/2', 'connector'),
  ])
  expect(stages.map((stage) => stage.map(({ id }) => id))).toEqual([
    ['otlp', 'forward'],
    ['limiter'],
    ['batch'],
    ['debug', 'forward/2'],
  ])
})
