import type { ProcessorFactory } from '../../component/index.ts'
import { groupByTraceConfig, type GroupByTraceConfig } from './config.ts'
import { GroupByTraceProcessor } from './group-by-trace.ts'

/** Gathers the spans of each trace for a while, and hands them on together. */
export const groupByTraceProcessor: ProcessorFactory<GroupByTraceConfig> = {
  kind: 'processor',
  type: 'groupbytrace',
  config: groupByTraceConfig,
  signals: ['traces'],
  create: (context, config, next) => new GroupByTraceProcessor(context, config, next),
}
