import type { Signal, Visitor } from '@spoor/otlp'
import type { Component, Consumer, Context, ProcessorFactory } from '../../component/index.ts'
import { compileConditions, CONTEXTS, createEditor, failureListeners, Item } from '../../ottl/index.ts'
import { compileSelection } from '../../processor-helper/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { filterConfig, groupsOf, type FilterConfig } from './config.ts'
import { createLogSelector, createMetricSelector } from './older.ts'
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
    const item = new Item()
    return createEditor(context, signal, next, {
      visitors: [createVisitor(signal, tests, item)],
      item,
      drops: 'filter',
    })
  }
  const selector = selectorOf(config, signal)
  return createEditor(context, signal, next, { visitors: selector ? [selector] : [], drops: 'filter' })
}

/** What drops by properties; undefined where nothing does. */
function selectorOf<S extends Signal>(config: FilterConfig, signal: S): Visitor<S> | undefined {
  const selectors: { readonly [K in Signal]: () => Visitor<K> | undefined } = {
    traces() {
      const selection = compileSelection(config.spans ?? {}, 'traces')
      return selection && createSelector(selection)
    },
    metrics: () => createMetricSelector(config.metrics ?? {}),
    logs: () => createLogSelector(config.logs ?? {}),
  }
  return selectors[signal]()
}
