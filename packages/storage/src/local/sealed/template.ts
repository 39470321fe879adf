import type { LevelNumber } from './column.ts'

/** What a template is made of, in the order of the bytes. Numbers are written into files. */
export const OP = {
  /** Bytes that are the same in each message. */
  bytes: 0,
  /** Fields that rows have anyway: 16, 8, 8 bytes, fixed64. `start` is an event's time in a template of events. */
  traceId: 1,
  spanId: 2,
  parentId: 3,
  start: 4,
  end: 5,
  name: 6,
  /** A value of a column. */
  value: 7,
  /** A run of events or links. */
  run: 8,
  /** A message in the message, up to its `close`. `tag`. */
  open: 9,
  close: 10,
} as const
export type OpKind = (typeof OP)[keyof typeof OP]

export interface Op {
  readonly kind: OpKind
  /** The tag of a field as it is on the wire, as a number. */
  readonly tag: number
  /** Of `value` and `run`. */
  readonly column: number
  readonly bytes: Uint8Array
}

/** Steps of all templates together, beyond which a message is kept as it came. */
export const MAX_NODES = 1 << 16
/** The template of messages before their first field, by level. */
export const ROOTS = 6
const NONE: Uint8Array = new Uint8Array()

/** Children of a node that are tried one after the other, before the one that is wanted is looked up. */
export const MAX_TRIES = 24

/**
 * All templates as one tree: a node is the way from its level's root, an op at each step. A message is followed along it, and what it takes
 * next is nearly always what the last ones took from there.
 */
export class Templates {
  readonly ops: Op[] = []
  nodes = ROOTS
  /** By node: the child that was taken last, and the next child of the same parent; -1: there is none. */
  readonly child = new Int32Array(MAX_NODES).fill(-1)
  readonly sibling = new Int32Array(MAX_NODES).fill(-1)
  /** By node: the op that leads to it. */
  readonly op = new Int32Array(MAX_NODES)
  readonly #parent = new Int32Array(MAX_NODES)
  readonly #slots = new Int32Array(2 * MAX_NODES).fill(-1)
  readonly #numbers = new Map<string, number>()
  /** By node, see {@link columns}. */
  readonly #columns: (readonly number[] | undefined)[] = []

  /** The number of an op. */
  number(kind: OpKind, tag = 0, column = 0, bytes = NONE): number {
    const key = `${kind} ${tag} ${column} ${Buffer.from(bytes).toString('latin1')}`
    let number = this.#numbers.get(key)
    if (number === undefined) this.#numbers.set(key, (number = this.ops.push({ kind, tag, column, bytes }) - 1))
    return number
  }

  /** The child of `node`, found after `before` among its siblings (-1: as the first one), is the first one from now on. */
  take(node: number, before: number, child: number): number {
    if (before >= 0) {
      this.sibling[before] = this.sibling[child]!
      this.sibling[child] = this.child[node]!
      this.child[node] = child
    }
    return child
  }

  /** The node that `op` leads to, or -1 when there are too many. */
  step(node: number, op: number): number {
    const mask = this.#slots.length - 1
    let slot = Math.imul(Math.imul(node, 0x5bd1e995) ^ op, 0x1b873593) >>> 15
    for (slot &= mask; this.#slots[slot]! >= 0; slot = (slot + 1) & mask) {
      const child = this.#slots[slot]!
      if (this.#parent[child] === node && this.op[child] === op) return child
    }
    if (this.nodes === MAX_NODES) return -1
    const child = this.nodes++
    this.#slots[slot] = child
    this.#parent[child] = node
    this.op[child] = op
    this.sibling[child] = this.child[node]!
    return (this.child[node] = child)
  }

  /** The columns that a message of this template has values of, in turn. */
  columns(node: number): readonly number[] {
    return (this.#columns[node] ??= this.#columnsOf(node))
  }

  #columnsOf(node: number): readonly number[] {
    const columns: number[] = []
    for (let at = node; at >= ROOTS; at = this.#parent[at]!) {
      const { kind, column } = this.ops[this.op[at]!]!
      if (kind === OP.value || kind === OP.run) columns.push(column)
    }
    return columns.reverse()
  }

  /** The ops on the way to a node. */
  path(node: number): number[] {
    const ops: number[] = []
    for (let at = node; at >= ROOTS; at = this.#parent[at]!) ops.push(this.op[at]!)
    return ops.reverse()
  }
}

export function rootOf(level: LevelNumber): number {
  return level
}
