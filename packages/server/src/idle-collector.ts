import { builtinComponents, type Collector, type Counters, type Logger, openCollector } from '@spoor/collector'

const CONFIG =
  'receivers: {nop: }\nexporters: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [nop]}}}'
const NOTHING = 'this is spoor query, which receives nothing: ask the spoor ingest, or the collector, that does'

/**
 * What stands where the collector is in a program that receives nothing, and is never started: it has no pipelines to show, and hears of those who send to the page's port by mistake.
 */
export async function createIdleCollector(logger: Logger, counters: Counters): Promise<Collector> {
  const collector = await openCollector({ config: CONFIG, factories: builtinComponents, logger, counters })
  return {
    ...collector,
    files: [],
    exporters: new Set(),
    warnings: [],
    statusAddress: undefined,
    pipelines: () => ({ ...collector.pipelines(), pipelines: [], extensions: [] }),
    config: () => undefined,
    tap: () => ({ status: 404, message: NOTHING }),
  }
}
