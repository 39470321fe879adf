import type { ProcessorFactory } from '../../component/index.ts'
import { tailSamplingConfig, type TailSamplingConfig } from './config.ts'
import { TailSamplingProcessor } from './tail-sampling.ts'

/** Decides about whole traces, once their spans are there: keeps those that a policy wants, and drops the others. */
export const tailSamplingProcessor: ProcessorFactory<TailSamplingConfig> = {
  kind: 'processor',
  type: 'tail_sampling',
  config: tailSamplingConfig,
  signals: ['traces'],
  create: (context, config, next) => new TailSamplingProcessor(context, config, next),
}
