import type { Signal } from '@spoor/otlp'
import type { Component, Consumer, Context, ProcessorFactory } from '../../component/index.ts'
import { compileStatements, CONTEXTS, createEditor, failureListeners, Item } from '../../ottl/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { groupsOf, transformConfig, type TransformConfig } from './config.ts'
import { createVisitors } from './visitors.ts'

/** Changes telemetry as statements say. */
export const transformProcessor: ProcessorFactory<TransformConfig> = {
  kind: 'processor',
  type: 'transform',
  config: transformConfig,
  signals: SIGNALS,
  create: createTransform,
}

function createTransform(
  context: Context,
  config: TransformConfig,
  next: Consumer,
  signal: Signal,
): Component & Consumer {
  const listeners = failureListeners(context, signal, 'statement')
  const groups = groupsOf(config, signal).flatMap(({ source, errorMode, sharesCache }) => {
    const compiled = compileStatements(source, CONTEXTS[signal])
    return compiled.problems ? [] : [{ statements: compiled.value, failed: listeners(errorMode), sharesCache }]
  })
  const item = new Item()
  return createEditor(context, signal, next, { visitors: createVisitors(signal, groups, item), item })
}
