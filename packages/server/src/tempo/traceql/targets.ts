import type { Expression, Scalar, SetExpression, Stage, Target, Traceql } from './ast.ts'

/** Fields that every span and trace of an answer is told with anyway. */
const ALWAYS: ReadonlySet<string> = new Set([
  'name',
  'duration',
  'parent',
  'traceDuration',
  'rootName',
  'rootServiceName',
  'trace:id',
  'span:id',
])

/**
 * What of the spans that are found a query compares or selects: that is shown with them, by its name without its scope, as in Tempo. Each name once, in the order of the text.
 */
export function shownTargets({ stages }: Traceql): readonly Target[] {
  const shown = new Map<string, Target>()
  const add = (target: Target): void => {
    if (target.op === 'intrinsic' ? ALWAYS.has(target.name) : target.parent) return
    if (!shown.has(target.name)) shown.set(target.name, target)
  }
  ofStages(stages, add)
  return [...shown.values()]
}

function ofStages(stages: readonly Stage[], add: (target: Target) => void): void {
  for (const stage of stages) {
    switch (stage.op) {
      case 'set':
        ofSet(stage.set, add)
        break
      case 'by':
        ofExpression(stage.expression, add)
        break
      case 'select':
        for (const target of stage.targets) add(target)
        break
      case 'scalar':
        for (const side of [stage.left, stage.right]) ofScalar(side, add)
    }
  }
}

function ofScalar(scalar: Scalar, add: (target: Target) => void): void {
  if (scalar.op === 'aggregate' && scalar.of) ofExpression(scalar.of, add)
  if (scalar.op === 'of') {
    ofStages(scalar.stages, add)
    ofScalar(scalar.scalar, add)
  }
  if (scalar.op !== 'arithmetic') return
  ofScalar(scalar.left, add)
  ofScalar(scalar.right, add)
}

function ofSet(set: SetExpression, add: (target: Target) => void): void {
  switch (set.op) {
    case 'filter':
      if (set.expression) ofExpression(set.expression, add)
      break
    case 'pipeline':
      ofStages(set.stages, add)
      break
    default:
      ofSet(set.left, add)
      ofSet(set.right, add)
  }
}

function ofExpression(expression: Expression, add: (target: Target) => void): void {
  switch (expression.op) {
    case 'attribute':
    case 'intrinsic':
      add(expression)
      break
    case 'binary':
      ofExpression(expression.left, add)
      ofExpression(expression.right, add)
      break
    case 'not':
    case 'minus':
    case 'exists':
      ofExpression(expression.arg, add)
  }
}
