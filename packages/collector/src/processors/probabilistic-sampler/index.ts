import type { Context, ProcessorFactory } from '../../component/index.ts'
import { createEditingProcessor } from '../../processor-helper/index.ts'
import { samplerConfig, type SamplerConfig } from './config.ts'
import { seedHash } from './hash.ts'
import { LogCarrier } from './log-carrier.ts'
import { createSampler, type Carrier } from './sampler.ts'
import { SpanCarrier } from './span-carrier.ts'

/** Keeps a share of the traces, or of the log records, and drops the others; each collector with the same settings keeps the same. */
export const probabilisticSamplerProcessor: ProcessorFactory<SamplerConfig> = {
  kind: 'processor',
  type: 'probabilistic_sampler',
  config: samplerConfig,
  signals: ['traces', 'logs'],
  create(context, config, next, signal) {
    const seed = seedHash(config.hash_seed)
    if (signal === 'logs') {
      const item = dropping(context, config, new LogCarrier(config, seed), signal)
      return createEditingProcessor(signal, next, { visitor: () => ({ item }), drops: true })
    }
    const item = dropping(context, config, new SpanCarrier(seed), 'traces')
    return createEditingProcessor('traces', next, { visitor: () => ({ item }), drops: true })
  },
}

function dropping<T extends { drop(): void }>(
  { counters, id }: Context,
  config: SamplerConfig,
  carrier: Carrier<T>,
  signal: 'traces' | 'logs',
): (item: T) => void {
  const isKept = createSampler(config, carrier, {
    counters,
    labels: { processor: id },
    counter: `otelcol_processor_probabilistic_sampler_count_${signal}_sampled`,
    fillsIn: signal === 'traces',
  })
  return (item) => {
    if (!isKept(item)) item.drop()
  }
}
