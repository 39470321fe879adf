import { grown } from './entries.ts'
import { inPieces } from './pieces.ts'

/** The rows of one level: the template of each, and what is in its holes. */
export class LevelRows {
  count = 0
  /** Template by row. */
  node = new Uint32Array(256)
  /** The first slot by row; until {@link reorder} one more than there are rows, as that is where the row before ends. */
  first = new Uint32Array(257)
  slotCount = 0
  /** By the value ops of the row's template, in turn: the entry of a value, the length of a run. */
  slots = new Uint32Array(1024)

  push(slot: number): void {
    if (this.slotCount === this.slots.length) this.slots = grown(this.slots, 2 * this.slotCount)
    this.slots[this.slotCount++] = slot
  }

  /** Ends a row: its slots are those pushed since the one before. */
  end(node: number): void {
    if (this.count === this.node.length) {
      this.node = grown(this.node, 2 * this.count)
      this.first = grown(this.first, 2 * this.count + 1)
    }
    this.node[this.count++] = node
    this.first[this.count] = this.slotCount
  }

  /** Puts all rows in another order: which a row was before. */
  reorder(before: Uint32Array): void {
    this.node = reordered(this.node, before)
    this.first = reordered(this.first, before)
  }

  /** Forgets the rows from `count` on, and what was pushed for one more. */
  cut(count: number): void {
    this.count = count
    this.slotCount = this.first[count]!
  }
}

/** The numbers of some rows in another order: which a row was before. */
export function reordered(numbers: Uint32Array, before: Uint32Array): Uint32Array<ArrayBuffer> {
  const after = new Uint32Array(before.length)
  inPieces(before.length, (from, to) => put(numbers, before, from, to, after))
  return after
}

function put(numbers: Uint32Array, before: Uint32Array, from: number, to: number, after: Uint32Array): void {
  for (let row = from; row < to; row++) after[row] = numbers[before[row]!]!
}

/** The events of all spans in their new order, and where those of each end in it. */
export function flattened(cameAs: Uint32Array, ends: Uint32Array): { cameAs: Uint32Array; ends: Uint32Array } {
  const flat = new Uint32Array(ends.at(-1) ?? 0)
  const ordered = new Uint32Array(cameAs.length)
  inPieces(cameAs.length, (from, to) => flatten(cameAs, ends, from, to, flat, ordered))
  return { cameAs: flat, ends: ordered }
}

function flatten(
  cameAs: Uint32Array,
  ends: Uint32Array,
  from: number,
  to: number,
  flat: Uint32Array,
  ordered: Uint32Array,
): void {
  let count = from === 0 ? 0 : ordered[from - 1]!
  for (let place = from; place < to; place++) {
    const came = cameAs[place]!
    for (let event = came === 0 ? 0 : ends[came - 1]!; event < ends[came]!; event++) flat[count++] = event
    ordered[place] = count
  }
}
