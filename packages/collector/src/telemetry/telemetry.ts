/** The collector's own metrics, for those who read them: started before the pipelines, changed by a reload. */
import { randomUUID } from 'node:crypto'
import v8 from 'node:v8'
import { version, type Counters, type Listening, type Logger } from '../component/index.ts'
import type { TelemetryConfig } from './config.ts'
import { createPeriodicReader, createPrometheusReader, type Reader, type ReaderOptions } from './readers.ts'

export interface Telemetry {
  /** One after the other, and nothing after `stop`. Rejects with `listen` where a port is taken; what was there before can be applied again. */
  apply(config: TelemetryConfig): Promise<void>
  /** Waits for what is being applied. */
  stop(): Promise<void>
  listening(): readonly Listening[]
}

const INSTANCE = randomUUID()

export function createTelemetry(counters: Counters, logger: Logger): Telemetry {
  let running: { readonly key: string; readonly reader: Reader }[] = []
  /** The last of the configurations that were to be applied. */
  let changing: Promise<void> = Promise.resolve()
  let isStopped = false
  addProcessMetrics(counters)

  async function change(config: TelemetryConfig): Promise<void> {
    if (isStopped) return
    const wanted = readersOf(config, { counters, logger, level: config.metrics.level, resource: resourceOf(config) })
    const kept = running.filter(({ key }) => wanted.some((one) => one.key === key))
    const left = running.filter((one) => !kept.includes(one))
    for (const { reader } of left) await reader.stop()
    running = kept
    for (const { key, create } of wanted) {
      if (kept.some((one) => one.key === key)) continue
      const reader = create()
      await reader.start()
      running.push({ key, reader })
    }
  }

  return {
    listening: () => running.flatMap(({ reader }) => reader.listening ?? []),
    apply(config) {
      const applied = changing.then(() => change(config))
      changing = applied.catch(() => {})
      return applied
    },
    async stop() {
      isStopped = true
      await changing
      await Promise.all(running.map(({ reader }) => reader.stop()))
      running = []
    },
  }
}

/** Each with what it is made of: one that is made of the same stays over a reload. */
function readersOf(
  { metrics }: TelemetryConfig,
  options: ReaderOptions,
): { readonly key: string; readonly create: () => Reader }[] {
  if (metrics.level === 'none') return []
  const about = [options.level, options.resource]
  return metrics.readers.flatMap(({ pull, periodic }) => {
    const prometheus = pull?.exporter.prometheus
    return [
      ...(prometheus
        ? [{ key: JSON.stringify([prometheus, about]), create: () => createPrometheusReader(prometheus, options) }]
        : []),
      ...(periodic
        ? [{ key: JSON.stringify([periodic, about]), create: () => createPeriodicReader(periodic, options) }]
        : []),
    ]
  })
}

/** The attributes of the collector. */
export function resourceOf({ resource }: TelemetryConfig): Readonly<Record<string, string>> {
  const usual = { 'service.name': 'spoor-collector', 'service.instance.id': INSTANCE, 'service.version': version }
  const all = Object.entries<unknown>({ ...usual, ...resource }).filter(([, value]) => value !== null)
  return Object.fromEntries(all.map(([key, value]) => [key, String(value)]))
}

function addProcessMetrics(counters: Counters): void {
  const startedAt = performance.now()
  counters.gauge('otelcol_process_uptime', {}, () => (performance.now() - startedAt) / 1000)
  counters.gauge('otelcol_process_cpu_seconds', {}, () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  counters.gauge('otelcol_process_memory_rss', {}, () => process.memoryUsage.rss())
  counters.gauge('otelcol_process_runtime_heap_alloc_bytes', {}, () => v8.getHeapStatistics().used_heap_size)
  counters.gauge('otelcol_process_runtime_total_sys_memory_bytes', {}, () => {
    const { heapTotal, external } = process.memoryUsage()
    return heapTotal + external
  })
}
