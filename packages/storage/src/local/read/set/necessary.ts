import type { Comparison, TraceField } from '../../../contract.ts'
import type { Part, TraceTable } from '../trace-table.ts'
import { holds, type SetNode } from './compile.ts'

type TraceCondition = Extract<SetNode, { op: 'trace' }>

/** The conditions on a whole trace that have to hold for the set to have a member, as far as they are plain to see. */
export function necessaryOfTrace(node: SetNode): readonly TraceCondition[] {
  switch (node.op) {
    case 'trace':
      return [node, ...necessaryOfTrace(node.among)]
    case 'and':
      return node.args.flatMap(necessaryOfTrace)
    case 'having':
      return necessaryOfTrace(node.arg)
    case 'without':
      return necessaryOfTrace(node.among)
    case 'related':
      return [...(node.not ? [] : necessaryOfTrace(node.left)), ...necessaryOfTrace(node.right)]
    default:
      return []
  }
}

/** What {@link mayHold} asks of the table for a condition on this field. */
export function partsOfField(field: TraceField): readonly Part[] {
  switch (field) {
    case 'duration':
      return ['start', 'end']
    case 'requestDuration':
      return ['request']
    case 'tail':
      return ['end', 'request']
    case 'spans':
    case 'errors':
      return [field]
    default:
      return []
  }
}

const AT_LEAST: readonly Comparison[] = ['gt', 'gte', 'eq']

/** Whether a trace may be as asked, by its extent; where that is a bound and not exact, it may turn out that it is not. */
export function mayHold({ field, compare, value }: TraceCondition, table: TraceTable, entry: number): boolean {
  if (typeof value !== 'number') return true
  const atMost = (bound: number): boolean =>
    !AT_LEAST.includes(compare) || holds(bound, compare === 'eq' ? 'gte' : compare, value)
  switch (field) {
    case 'duration':
      return holds(table.durationNs(entry), compare, value)
    case 'requestDuration':
      return atMost(table.requestMaxNs(entry))
    case 'tail':
      return atMost(table.tailNs(entry))
    case 'spans':
      return atMost(table.spans(entry))
    case 'errors':
      return atMost(table.errors(entry))
    default:
      return true
  }
}
