/** A ClickHouse as a store of traces. Loaded by those who ask for it, and by nobody else. */
export { describeAddress, isClickHouseUrl, parseClickHouseUrl, type ClickHouseAddress } from './address.ts'
export { openClickHouseStore, type ClickHouseStoreOptions } from './clickhouse-store.ts'
export { deleteFromClickHouse, type ClickHouseDeleteOptions } from './delete.ts'
export { schemaOf, type SchemaOptions } from './schema.ts'
export {
  migrateToClickHouse,
  type HourDifference,
  type MigrateOptions,
  type MigrateProgress,
  type MigrateReport,
} from './migrate/migrate.ts'
