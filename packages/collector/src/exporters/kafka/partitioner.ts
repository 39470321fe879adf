/** Which partition a message goes to. Sources: Sarama's hash partitioner, and the partitioner of Kafka's own producer (murmur2). */
import type { KafkaExporterConfig } from './config.ts'

/** Gives a number whose remainder by the count of partitions is the partition. Of one request; each has another for messages without a key. */
export type Partitioner = (key: Buffer | undefined) => number

/** One for each request. */
export function createPartitioners(config: KafkaExporterConfig['record_partitioner']): () => Partitioner {
  const hash = config.sticky_key?.hasher === 'murmur2' ? (key: Buffer) => murmur2(key) & 0x7fff_ffff : saramaHash
  // Collectors that start together do not all begin with the same one.
  let turn = Math.floor(Math.random() * 1024)
  if (config.round_robin) return () => () => turn++
  return () => {
    const own = turn++
    return (key) => (key === undefined ? own : hash(key))
  }
}

/** FNV-1a of 32 bits, as a signed number without its sign. */
export function saramaHash(key: Uint8Array): number {
  let hash = 0x811c_9dc5
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return Math.abs(hash | 0)
}

/** Austin Appleby's MurmurHash2 with the seed that Kafka has; a signed number. */
export function murmur2(key: Uint8Array): number {
  const { length } = key
  const view = new DataView(key.buffer, key.byteOffset, length)
  const mixed = (value: number): number => {
    const product = Math.imul(value, 0x5bd1_e995)
    return Math.imul(product ^ (product >>> 24), 0x5bd1_e995)
  }
  let hash = 0x9747_b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) hash = Math.imul(hash, 0x5bd1_e995) ^ mixed(view.getInt32(at, true))
  const rest = length - at
  if (rest > 2) hash ^= key[at + 2]! << 16
  if (rest > 1) hash ^= key[at + 1]! << 8
  if (rest > 0) hash = Math.imul(hash ^ key[at]!, 0x5bd1_e995)
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1_e995)
  return hash ^ (hash >>> 15)
}
