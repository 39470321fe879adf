/**
 * What a Spoor is there for. `all`: one process that takes spans, stores them and shows them. `query`: page and APIs on a store that others fill. `ingest`: takes spans and stores
 * them where others show them.
 */
export type Program = 'all' | 'query' | 'ingest'

/** Metrics that tell of taking and storing spans, of asking for them, and of a store that is a data directory, by how their names begin. */
const OF_INTAKE = /^(?:otelcol_|spoor_(?:store_writable|budget|collector|senders|receiver))/
const OF_QUERIES = /^spoor_(?:queries|findings|store_readable)/
const OF_DIRECTORIES =
  /^spoor_store_(?:recovered(?:_torn_bytes)?|damaged|dropped|kept|not_kept|sealed|sealing|keeping|crowded|not_sealed|full|restarted|gave_up)(?:_|$)/

/** Whether a metric can ever tell something in this program. `isLocal`: its store is a data directory. */
export function hasMetric(program: Program, isLocal: boolean, name: string): boolean {
  if (program === 'query' && OF_INTAKE.test(name)) return false
  if (program === 'ingest' && OF_QUERIES.test(name)) return false
  return isLocal || !OF_DIRECTORIES.test(name)
}
