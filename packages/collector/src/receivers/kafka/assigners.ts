/**
 * How the leader of a group divides partitions, each among the members that have asked for its topic. Sources: Kafka's RangeAssignor and
 * RoundRobinAssignor. The client's own round robin gives members topics that they have not asked for.
 */
import type { GroupPartitionsAssigner } from '@platformatic/kafka'
import type { KafkaModule } from '../../kafka-helper/index.ts'
import type { KafkaReceiverConfig } from './config.ts'

type Strategy = KafkaReceiverConfig['group_rebalance_strategies'][number]
type Members = Parameters<GroupPartitionsAssigner>[1]
type Assignments = ReturnType<GroupPartitionsAssigner>

export function assignerOf(
  strategy: Strategy,
  { cooperativeStickyAssigner }: Pick<KafkaModule, 'cooperativeStickyAssigner'>,
): GroupPartitionsAssigner {
  // The client names the leader's topics only, and others may have others.
  if (strategy === 'cooperative-sticky')
    return (current, members, _, metadata) => cooperativeStickyAssigner(current, members, topicsOf(members), metadata)
  const counts =
    (metadata: Parameters<GroupPartitionsAssigner>[3]) =>
    (topic: string): number =>
      metadata.topics.get(topic)?.partitionsCount ?? 0
  return (_, members, __, metadata) => (strategy === 'range' ? byRange : inTurn)(members, counts(metadata))
}

export function byRange(members: Members, countOf: (topic: string) => number): Assignments {
  const result = new Assigned(members)
  for (const topic of topicsOf(members)) {
    const own = result.of(topic)
    const count = countOf(topic)
    const [each, more] = [Math.floor(count / own.length), count % own.length]
    let next = 0
    for (const [index, member] of own.entries()) {
      for (let i = 0; i < each + (index < more ? 1 : 0); i++) result.add(member, topic, next++)
    }
  }
  return result.list
}

export function inTurn(members: Members, countOf: (topic: string) => number): Assignments {
  const result = new Assigned(members)
  const ids = [...members.keys()].sort()
  let turn = 0
  for (const topic of topicsOf(members)) {
    const own = new Set(result.of(topic))
    for (let partition = 0; partition < countOf(topic); partition++) {
      while (!own.has(ids[turn % ids.length]!)) turn++
      result.add(ids[turn++ % ids.length]!, topic, partition)
    }
  }
  return result.list
}

/** In their order, each once. */
function topicsOf(members: Members): Set<string> {
  return new Set([...members.values()].flatMap(({ topics }) => topics ?? []).sort())
}

class Assigned {
  readonly #members: Members
  readonly #assignments = new Map<string, Map<string, { topic: string; partitions: number[] }>>()

  constructor(members: Members) {
    this.#members = members
    for (const id of members.keys()) this.#assignments.set(id, new Map())
  }

  /** The ids of those who have asked for it, in their order. */
  of(topic: string): string[] {
    return [...this.#members].flatMap(([id, { topics }]) => (topics?.includes(topic) ? [id] : [])).sort()
  }

  add(member: string, topic: string, partition: number): void {
    const own = this.#assignments.get(member)!
    const known = own.get(topic)
    if (known) known.partitions.push(partition)
    else own.set(topic, { topic, partitions: [partition] })
  }

  get list(): Assignments {
    return [...this.#assignments].map(([memberId, assignments]) => ({ memberId, assignments }))
  }
}
