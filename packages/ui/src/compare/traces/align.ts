import { childrenOf, topRows, type Trace } from '@spoor/trace'
import type { LoadedTrace } from '../../trace/loaded-trace.ts'

/** What one trace has at a place of the structure. Nanoseconds. */
export interface Place {
  /** The longest of its spans; -1: there is none. */
  readonly row: number
  readonly spans: number
  readonly errors: number
  /** Sum of their durations. */
  readonly ns: number
  /** Their time on the critical path: over all places it adds up to the request's duration. */
  readonly waitNs: number
}

/** A place in the structure of two traces: spans of one service and name, below spans of the same. */
export interface AlignedRow {
  readonly depth: number
  readonly service: string
  readonly name: string
  readonly left: Place
  readonly right: Place
}

const none: Place = { row: -1, spans: 0, errors: 0, ns: 0, waitNs: 0 }

/**
 * Lays two traces over each other by their structure: children of the same service and name under the same parents are one place, however many there are,
 * so that one call stands beside the 34 that it is in the other trace. Depth first; places in the order in which they first began in either trace.
 *
 * ```
 *  left            right              aligned          left  right
 *  web             web                web                1     1
 *   ├ cart          ├ cart             ├ cart            1     1
 *   └ stock         ├ stock            └ stock           1     2
 *                   └ stock
 * ```
 */
export function alignTraces(left: LoadedTrace, right: LoadedTrace): AlignedRow[] {
  const rows: AlignedRow[] = []
  // Without recursion: a trace may be deeper than the stack.
  const stack: { group: Group; depth: number }[] = []
  const push = (lefts: Iterable<number>, rights: Iterable<number>, depth: number) => {
    const groups = grouped(left.trace, lefts, right.trace, rights)
    for (const group of groups.reverse()) stack.push({ group, depth })
  }
  push(topRows(left.trace), topRows(right.trace), 0)
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { group, depth } = next
    const { service, name } = group
    rows.push({ depth, service, name, left: placeOf(left, group.lefts), right: placeOf(right, group.rights) })
    push(childrenOfAll(left.trace, group.lefts), childrenOfAll(right.trace, group.rights), depth + 1)
  }
  return rows
}

interface Group {
  readonly service: string
  readonly name: string
  readonly lefts: number[]
  readonly rights: number[]
  /** Of the first span, from its parents' start, in the trace that has it. */
  startNs: number
}

function* childrenOfAll(trace: Trace, rows: readonly number[]): Generator<number> {
  for (const row of rows) yield* childrenOf(trace, row)
}

function grouped(left: Trace, lefts: Iterable<number>, right: Trace, rights: Iterable<number>): Group[] {
  const groups = new Map<string, Group>()
  const add = (trace: Trace, rows: Iterable<number>, side: 'lefts' | 'rights') => {
    for (const row of rows) {
      const service = trace.services[trace.service[row]!]!
      const name = trace.names[trace.name[row]!]!
      const key = `${service}\0${name}`
      const above = trace.parent[row]!
      const startNs = trace.startNs[row]! - (above >= 0 ? trace.startNs[above]! : 0)
      let group = groups.get(key)
      if (!group) groups.set(key, (group = { service, name, lefts: [], rights: [], startNs }))
      group.startNs = Math.min(group.startNs, startNs)
      group[side].push(row)
    }
  }
  add(left, lefts, 'lefts')
  add(right, rights, 'rights')
  return [...groups.values()].sort((a, b) => a.startNs - b.startNs)
}

function placeOf({ trace, critical }: LoadedTrace, rows: readonly number[]): Place {
  if (rows.length === 0) return none
  let [row, errors, ns, waitNs] = [rows[0]!, 0, 0, 0]
  for (const each of rows) {
    if (trace.durationsNs[each]! > trace.durationsNs[row]!) row = each
    if (trace.status[each] === 2) errors++
    ns += trace.durationsNs[each]!
    for (let at = critical.offsets[each]!; at < critical.offsets[each + 1]!; at++) {
      waitNs += critical.endNs[at]! - critical.startNs[at]!
    }
  }
  return { row, spans: rows.length, errors, ns, waitNs }
}

/** The places that account for most of the difference between the requests' durations, the largest first. */
export function largestDifferences(rows: readonly AlignedRow[], most: number): AlignedRow[] {
  const by = (row: AlignedRow) => Math.abs(row.right.waitNs - row.left.waitNs)
  return rows
    .filter((row) => by(row) > 0)
    .sort((a, b) => by(b) - by(a))
    .slice(0, most)
}
