import { layersOf, withoutCircles } from './layers.ts'
import type { LayoutReply, Point } from './layout-protocol.ts'
import type { Spacing } from './tidy-tree.ts'

/** How often the order within layers, and the places, go forth and back. More changes little. */
const sweeps = 8

/** Room that a bundle of edges has where it passes a layer, and least gap between any two. Pixels. */
const laneHeight = 6
const laneGap = 6

/** What stands in a layer: a node, or a lane in which the edges of one node pass it. */
interface Slot {
  readonly layer: number
  readonly height: number
  readonly before: number[]
  readonly after: number[]
  /** Its middle. */
  y: number
  place: number
}

/**
 * Lays out any graph from left to right by its flow: callers before what they call, in as few layers as that takes. Edges that go on over several
 * layers have a lane in each that they pass, one for all of a node, so that they are bundled and run around the nodes.
 *
 *     ┌─┐    ┌─┐    ┌─┐
 *     │a├─┬──┤b├────┤c│
 *     └─┘ │  └─┘  ┌─┴─┘
 *         └───────┘
 *
 * Edges that close a circle go back. Source: Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981.
 */
export function layered(
  count: number,
  edges: readonly (readonly [from: number, to: number])[],
  spacing: Spacing,
): LayoutReply {
  const forward = withoutCircles(count, edges)
  const layer = layersOf(count, forward)
  const slots: Slot[] = Array.from({ length: count }, (_, node) => newSlot(layer[node]!, spacing.height))
  const lanes = new Map<string, number>()
  /** Per edge the slots that it goes through, both ends among them. */
  const ways = forward.map(([from, to]) => {
    if (from === to) return []
    const way = [from]
    for (let at = layer[from]! + 1; at < layer[to]!; at++) {
      const key = `${from} ${at}`
      let lane = lanes.get(key)
      if (lane === undefined) lanes.set(key, (lane = slots.push(newSlot(at, laneHeight)) - 1))
      way.push(lane)
    }
    way.push(to)
    return way
  })
  join(slots, ways)
  const layers = inOrder(slots)
  place(slots, layers, spacing.gapY)
  const step = spacing.width + spacing.gapX
  const left = (slot: number) => slots[slot]!.layer * step
  return {
    flow: 'right',
    placement: {
      x: Float32Array.from({ length: count }, (_, node) => left(node)),
      y: Float32Array.from({ length: count }, (_, node) => slots[node]!.y - spacing.height / 2),
    },
    routes: ways.map((way, index) => {
      const points = way.flatMap((slot, at): Point[] => {
        const [start, { y }] = [left(slot), slots[slot]!]
        if (at === 0) return [{ x: start + spacing.width, y }]
        if (at === way.length - 1) return [{ x: start, y }]
        return [
          { x: start, y },
          { x: start + spacing.width, y },
        ]
      })
      return forward[index]![0] === edges[index]![0] ? points : points.reverse()
    }),
  }
}

function newSlot(layer: number, height: number): Slot {
  return { layer, height, before: [], after: [], y: 0, place: 0 }
}

function join(slots: readonly Slot[], ways: readonly (readonly number[])[]): void {
  const joined = new Set<string>()
  for (const way of ways) {
    for (let at = 1; at < way.length; at++) {
      const [before, after] = [way[at - 1]!, way[at]!]
      const key = `${before} ${after}`
      if (joined.has(key)) continue
      joined.add(key)
      slots[before]!.after.push(after)
      slots[after]!.before.push(before)
    }
  }
}

/** The slots of each layer, each near the middle of what it is joined with, so that few edges cross. */
function inOrder(slots: readonly Slot[]): number[][] {
  const layers: number[][] = []
  slots.forEach((slot, index) => (layers[slot.layer] ??= []).push(index))
  const number = (layer: readonly number[]) => layer.forEach((slot, at) => (slots[slot]!.place = at))
  for (const layer of layers) number(layer)
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const isForth = sweep % 2 === 0
    for (const layer of isForth ? layers : layers.toReversed()) {
      const middle = new Map(
        layer.map((slot) => {
          const { before, after, place } = slots[slot]!
          const others = isForth ? before : after
          return [slot, others.length > 0 ? mean(others.map((other) => slots[other]!.place)) : place]
        }),
      )
      layer.sort((a, b) => middle.get(a)! - middle.get(b)!)
      number(layer)
    }
  }
  return layers
}

/** Puts each slot as near to the middle of what it is joined with as the others of its layer allow. */
function place(slots: readonly Slot[], layers: readonly (readonly number[])[], gapY: number): void {
  const apart = (one: Slot, other: Slot) =>
    (one.height + other.height) / 2 + (one.height === laneHeight || other.height === laneHeight ? laneGap : gapY)
  const settle = (layer: readonly number[], wanted: readonly number[]) => {
    const down: number[] = []
    const up: number[] = []
    layer.forEach((slot, at) => {
      const least = at === 0 ? -Infinity : down[at - 1]! + apart(slots[layer[at - 1]!]!, slots[slot]!)
      down.push(Math.max(wanted[at]!, least))
    })
    for (let at = layer.length - 1; at >= 0; at--) {
      const most = at === layer.length - 1 ? Infinity : up[at + 1]! - apart(slots[layer[at]!]!, slots[layer[at + 1]!]!)
      up[at] = Math.min(wanted[at]!, most)
    }
    // Both keep the distances, and so does what lies between them.
    layer.forEach((slot, at) => (slots[slot]!.y = (down[at]! + up[at]!) / 2))
  }
  for (const layer of layers)
    settle(
      layer,
      layer.map(() => 0),
    )
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const isForth = sweep % 2 === 0
    for (const layer of isForth ? layers : layers.toReversed()) {
      const wanted = layer.map((slot) => {
        const { before, after, y } = slots[slot]!
        const [near, far] = isForth ? [before, after] : [after, before]
        const others = near.length > 0 ? near : far
        return others.length > 0 ? mean(others.map((other) => slots[other]!.y)) : y
      })
      settle(layer, wanted)
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
