import type { z } from 'zod'
import { section, type ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { actionsKey, compileActions, createEditingProcessor } from '../../processor-helper/index.ts'

/** Keys, and what they do, as in the OpenTelemetry Collector's resourceprocessor. */
const resourceConfig = section({ attributes: actionsKey })

type ResourceConfig = z.infer<typeof resourceConfig>

/** Changes the attributes of resources. */
export const resourceProcessor: ProcessorFactory<ResourceConfig> = {
  kind: 'processor',
  type: 'resource',
  config: resourceConfig,
  signals: SIGNALS,
  create(_context, config, next, signal) {
    const actions = compileActions(config.attributes)
    return createEditingProcessor(signal, next, {
      visitor: (context) => ({ resource: ({ attributes }) => actions.apply(attributes, context) }),
    })
  },
}
