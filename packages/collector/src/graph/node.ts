import { isDeepStrictEqual } from 'node:util'
import {
  CollectorError,
  toCollectorError,
  type Component,
  type Consumer,
  type Kind,
  type StatusTracker,
} from '../component/index.ts'
import type { DeferredGauges } from './deferred-gauges.ts'

export type NodeKind = Kind | 'fan_out'

/** All that a node is made of; one that is made of the same does the same. */
export interface Makings {
  readonly factory: unknown
  /** The config, and what else is a value. */
  readonly values: unknown
  /** What it hands on to, and the extensions that it uses. */
  readonly links: readonly unknown[]
}

/** A component at its place in the graph. */
export interface Node {
  readonly kind: NodeKind
  readonly id: string
  /** Names its place: kind, id, and the pipeline that it is in. */
  readonly key: string
  readonly component: Component
  /** What hands batches to it; undefined for those that take none. */
  readonly consumer: Consumer | undefined
  readonly makings: Makings
  /** Its gauges, which are not shown before it is a part of the running graph. */
  readonly gauges: DeferredGauges
  /** How it is, for those who look at the collector. */
  readonly status: StatusTracker
  /** `idle` until its start; `stopped` from its shutdown on. */
  state: 'idle' | 'started' | 'stopped'
}

/** See {@link Node.key}. `place`: the pipeline of a processor; `''` for what is the same in all pipelines. */
export function keyOf(kind: NodeKind, id: string, place: string): string {
  return [kind, id, place].join(' ')
}

export function isMadeOf(node: Node, { factory, values, links }: Makings): boolean {
  const own = node.makings
  return (
    own.factory === factory &&
    own.links.length === links.length &&
    own.links.every((link, index) => link === links[index]) &&
    isDeepStrictEqual(own.values, values)
  )
}

/** The error with the component's name in front. */
export function named({ kind, id }: Node, error: unknown): CollectorError {
  const problem = toCollectorError(error)
  return new CollectorError(problem.code, `${kind} ${id}: ${problem.message}`, { cause: error })
}
