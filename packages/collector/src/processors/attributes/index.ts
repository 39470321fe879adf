import { AttributeEdits, type Attributes, type ItemViews, type Signal, type Visitor } from '@spoor/otlp'
import { section, type DeliveryContext, type ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import {
  actionsKey,
  compileActions,
  compileSelection,
  constantSteps,
  createEditingProcessor,
  matchKeys,
  matchProblems,
} from '../../processor-helper/index.ts'
import type { z } from 'zod'

/** Keys, and what they do, as in the OpenTelemetry Collector's attributesprocessor. */
const attributesConfig = section({ ...matchKeys, actions: actionsKey })

type AttributesConfig = z.infer<typeof attributesConfig>

/** Changes the attributes of spans, log records or data points. */
export const attributesProcessor: ProcessorFactory<AttributesConfig> = {
  kind: 'processor',
  type: 'attributes',
  config: attributesConfig,
  signals: SIGNALS,
  check: matchProblems,
  create: (_context, config, next, signal) =>
    createEditingProcessor(signal, next, { visitor: compile(config, signal), edits: constantEdits(config, signal) }),
}

function compile<S extends Signal>(config: AttributesConfig, signal: S): (context: DeliveryContext) => Visitor<S> {
  const actions = compileActions(config.actions)
  const selection = compileSelection(config, signal)
  const forEach = FOR_EACH[signal] as (item: ItemViews[S], visit: (attributes: Attributes) => void) => void
  return (context) => {
    const apply = (attributes: Attributes): void => actions.apply(attributes, context)
    if (!selection) return { item: (item) => forEach(item, apply) }
    const { resource, scope, selects } = selection
    return { resource, scope, item: (item) => void (selects(item) && forEach(item, apply)) }
  }
}

/** For all spans or log records, with values that are written in the configuration; undefined for others. */
function constantEdits({ include, exclude, actions }: AttributesConfig, signal: Signal): AttributeEdits | undefined {
  if (include || exclude || signal === 'metrics') return undefined
  const steps = constantSteps(actions)
  return steps && AttributeEdits.of(signal, steps)
}

/** The attributes that belong to an item: a metric has those of its data points. */
const FOR_EACH: { readonly [S in Signal]: (item: ItemViews[S], visit: (attributes: Attributes) => void) => void } = {
  traces: ({ attributes }, visit) => visit(attributes),
  logs: ({ attributes }, visit) => visit(attributes),
  metrics: (metric, visit) => metric.forEachPoint(({ attributes }) => visit(attributes)),
}
