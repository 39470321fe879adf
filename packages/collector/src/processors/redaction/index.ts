import type { Signal, Visitor } from '@spoor/otlp'
import type { ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { createEditingProcessor } from '../../processor-helper/index.ts'
import { redactionConfig, type RedactionConfig } from './config.ts'
import { Redactor } from './redactor.ts'

/** Takes out attributes that are not allowed, and masks values that are blocked. */
export const redactionProcessor: ProcessorFactory<RedactionConfig> = {
  kind: 'processor',
  type: 'redaction',
  config: redactionConfig,
  signals: SIGNALS,
  create(_context, config, next, signal) {
    const visitor = visitorOf(new Redactor(config), signal)
    return createEditingProcessor(signal, next, { visitor: () => visitor })
  },
}

function visitorOf<S extends Signal>(redactor: Redactor, signal: S): Visitor<S> {
  return {
    resource: ({ attributes }) => redactor.attributes(attributes),
    scope: ({ attributes }) => redactor.attributes(attributes),
    item: ITEM[signal](redactor),
  }
}

const ITEM: { readonly [S in Signal]: (redactor: Redactor) => NonNullable<Visitor<S>['item']> } = {
  traces: (redactor) => (span) => {
    redactor.attributes(span.attributes)
    span.forEachEvent(({ attributes }) => redactor.attributes(attributes))
  },
  metrics: (redactor) => (metric) => metric.forEachPoint(({ attributes }) => redactor.attributes(attributes)),
  logs: (redactor) => (record) => {
    redactor.attributes(record.attributes)
    const { body } = record
    const redacted = redactor.body(body, record.attributes)
    if (redacted !== body) record.body = redacted
  },
}
