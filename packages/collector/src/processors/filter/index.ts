import type { Signal } from '@spoor/otlp'
import type { Component, Consumer, Context, ProcessorFactory } from '../../component/index.ts'
import { compileConditions, CONTEXTS, createEditor, failureListeners } from '../../ottl/index.ts'
import { compileSelection } from '../../processor-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { filterConfig, groupsOf, type FilterConfig } from './config.ts'
import { createSelector, createVisitor } from './visitor.ts'

/** Drops what conditions are true for. */
export const filterProcessor: ProcessorFactory<FilterConfig> = {
  kind: 'processor',
  type: 'filter',
  config: filterConfig,
  signals: SIGNALS,
  create: createFilter,
}

function createFilter(context: Context, config: FilterConfig, next: Consumer, signal: Signal): Component & Consumer {
  const listeners = failureListeners(context, signal, 'condition')
  const tests = groupsOf(config, signal).flatMap(({ source, errorMode }) => {
    const compiled = compileConditions(source, CONTEXTS[signal])
    const failed = listeners(errorMode)
    return compiled.problems ? [] : compiled.value.map((conditions) => ({ conditions, failed }))
  })
  if (tests.length > 0) {
    return createEditor(context, signal, next, { visitors: [createVisitor(signal, tests)], drops: 'filter' })
  }
  const selection = signal === 'traces' ? compileSelection(config.spans ?? {}, signal) : undefined
  if (!selection) return createEditor(context, signal, next, { visitors: [], drops: 'filter' })
  return createEditor(context, 'traces', next, { visitors: [createSelector(selection)], drops: 'filter' })
}
