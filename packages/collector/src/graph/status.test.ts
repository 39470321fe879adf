/** How the graph tells how its components are. */
import { expect, test } from 'vitest'
import { createCollector } from '../collector.ts'
import {
  section,
  type Component,
  type ExporterFactory,
  type ExtensionFactory,
  type Host,
  type Overview,
  type Report,
} from '../component/index.ts'
import { builtinFactories } from '../factories.ts'
import { createTestLogger } from '../testkit/index.ts'

const yaml = (name = 'a'): string => `
receivers: {nop/${name}: }
exporters: {out: , nop: }
extensions: {watcher: }
service:
  extensions: [watcher]
  pipelines:
    traces: {receivers: [nop/${name}], exporters: [out, nop]}
    logs: {receivers: [nop/${name}], exporters: [nop]}`

function createWorld(behaviour: Partial<Component> = {}) {
  const heard: string[] = []
  const reports = new Map<string, Report>()
  let host: Host | undefined
  const exporter: ExporterFactory<object> = {
    kind: 'exporter',
    type: 'out',
    config: section({}),
    signals: ['traces'],
    create({ id, report }) {
      reports.set(id, report)
      return {
        start: async (given) => {
          host = given
          await behaviour.start?.(given)
        },
        shutdown: async (signal) => behaviour.shutdown?.(signal),
        consume: async () => {},
      }
    },
  }
  const watcher: ExtensionFactory<object> = {
    kind: 'extension',
    type: 'watcher',
    config: section({}),
    create: () => ({
      start: async () => {},
      shutdown: async () => {},
      ready: () => void heard.push('ready'),
      notReady: () => void heard.push('not ready'),
      configured: (config) =>
        void heard.push(`configured ${Object.keys((config as { receivers: object }).receivers).join()}`),
      statusChanged: ({ kind, id }, { status, message }) =>
        void heard.push(`${kind} ${id} ${status}${message && `: ${message}`}`),
    }),
  }
  const factories = [...builtinFactories, exporter, watcher]
  const collector = createCollector({ config: yaml(), factories, logger: createTestLogger() })
  return {
    collector,
    heard,
    report: (...event: Parameters<Report>) => reports.get('out')!(...event),
    host: () => host!,
  }
}

const statuses = ({ status, pipelines, extensions }: Overview) => ({
  whole: `${status.status} ${status.message}`.trim(),
  pipelines: pipelines.map(({ id, status: own, components }) => [
    id,
    own.status,
    components.map((each) => `${each.kind} ${each.id} ${each.status.status}`).join(', '),
  ]),
  extensions: extensions.map(({ id, status: own }) => `${id} ${own.status}`),
})

test('a life, as extensions that watch hear it', async () => {
  const { collector, heard, report } = createWorld()
  await collector.start()
  expect(heard).toContain('exporter out starting')
  expect(heard.slice(-4)).toEqual(['receiver nop/a starting', 'receiver nop/a ok', 'configured nop/a', 'ready'])
  heard.length = 0
  report('recoverable_error', 'away')
  report('ok')
  await collector.reload(yaml('b'))
  expect(heard).toEqual(
    expect.arrayContaining(['exporter out recoverable_error: away', 'exporter out ok', 'configured nop/b']),
  )
  expect(heard).not.toContain('ready')
  expect(statuses(collector.pipelines()).pipelines[1]).toEqual(['logs', 'ok', 'receiver nop/b ok, exporter nop ok'])
  heard.length = 0
  await collector.shutdown()
  expect(heard[0]).toBe('not ready')
  expect(heard).toEqual(expect.arrayContaining(['receiver nop/b stopping', 'receiver nop/b stopped']))
})

test('each pipeline and the whole are as their components are', async () => {
  const { collector, report } = createWorld()
  expect(statuses(collector.pipelines()).whole).toBe('none')
  await collector.start()
  const ok = statuses(collector.pipelines())
  expect(ok).toEqual({
    whole: 'ok',
    pipelines: [
      ['traces', 'ok', 'receiver nop/a ok, exporter out ok, exporter nop ok'],
      ['logs', 'ok', 'receiver nop/a ok, exporter nop ok'],
    ],
    extensions: ['watcher ok'],
  })
  report('permanent_error', 'wrong password')
  const { whole, pipelines } = statuses(collector.pipelines())
  expect(whole).toBe('permanent_error exporter out: wrong password')
  expect(pipelines.map(([id, status]) => [id, status])).toEqual([
    ['traces', 'permanent_error'],
    ['logs', 'ok'],
  ])
  await collector.shutdown()
  expect(statuses(collector.pipelines()).whole).toBe('stopped')
})

test('one that cannot start, one that cannot go on, one that cannot stop', async () => {
  const failing = createWorld({ start: () => Promise.reject(new Error('no licence')) })
  await expect(failing.collector.start()).rejects.toThrow('no licence')
  expect(failing.heard).toContain('exporter out permanent_error: no licence')

  const fatal = createWorld()
  await fatal.collector.start()
  fatal.host().fail('out', new Error('the disk is gone'))
  expect(statuses(fatal.collector.pipelines()).whole).toBe('fatal_error exporter out: the disk is gone')
  await fatal.collector.shutdown()

  const stuck = createWorld({ shutdown: () => Promise.reject(new Error('stuck')) })
  await stuck.collector.start()
  await stuck.collector.shutdown()
  expect(stuck.heard).toContain('exporter out permanent_error: stuck')
})
