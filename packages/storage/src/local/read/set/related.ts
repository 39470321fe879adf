import type { Relation } from '../../../contract.ts'
import type { Turn } from '../turn.ts'

/**
 * The spans of `right` that are the relation of one of `left`, or with `not` of none: 1 for each. `parent`: of each span, -1 for none. Time and memory grow
 * with the spans, whatever their tree: each way up is walked once.
 */
export async function related(
  { relation, not }: { readonly relation: Relation; readonly not: boolean },
  left: Uint8Array,
  right: Uint8Array,
  parent: Int32Array,
  turn: Turn,
): Promise<Uint8Array> {
  const is = await RELATIVES[relation](left, parent, turn)
  const members = new Uint8Array(right.length)
  for (let i = 0; i < right.length; i++) if (right[i] && (is[i] === 1) !== not) members[i] = 1
  return members
}

type Relatives = (left: Uint8Array, parent: Int32Array, turn: Turn) => Uint8Array | Promise<Uint8Array>

/** All spans that are it of one of `left`. */
const RELATIVES: Readonly<Record<Relation, Relatives>> = {
  child: (left, parent) => left.map((_, i) => (parent[i]! >= 0 ? left[parent[i]!]! : 0)),
  parent(left, parent) {
    const is = new Uint8Array(left.length)
    for (let i = 0; i < left.length; i++) if (left[i] && parent[i]! >= 0) is[parent[i]!] = 1
    return is
  },
  sibling(left, parent) {
    const children = new Uint32Array(left.length)
    for (let i = 0; i < left.length; i++) if (left[i] && parent[i]! >= 0) children[parent[i]!]!++
    return left.map((own, i) => (parent[i]! >= 0 && children[parent[i]!]! > own ? 1 : 0))
  },
  ancestor,
  descendant,
}

async function ancestor(left: Uint8Array, parent: Int32Array, turn: Turn): Promise<Uint8Array> {
  const is = new Uint8Array(left.length)
  for (let i = 0; i < left.length; i++) {
    if (turn.work(20) && (await turn.breathe())) break
    if (!left[i]) continue
    for (let up = parent[i]!; up >= 0 && !is[up]; up = parent[up]!) is[up] = 1
  }
  return is
}

const OPEN = 2

async function descendant(left: Uint8Array, parent: Int32Array, turn: Turn): Promise<Uint8Array> {
  // 0: not known, 1: yes, 3: no, OPEN: on the way up.
  const state = new Uint8Array(left.length)
  for (let i = 0; i < left.length; i++) {
    if (turn.work(40) && (await turn.breathe())) break
    let up = i
    let answer = 3
    while (state[up] === 0) {
      state[up] = OPEN
      const above = parent[up]!
      if (above < 0) break
      if (left[above] || state[above] === 1) {
        answer = 1
        break
      }
      // A way that comes back to itself has no end: nobody of `left` is on it.
      if (state[above] === 3 || state[above] === OPEN) break
      up = above
    }
    for (let down = i; state[down] === OPEN; down = parent[down]!) {
      state[down] = answer
      if (parent[down]! < 0) break
    }
  }
  return state.map((each) => (each === 1 ? 1 : 0))
}
