/** Where traces are kept: the contract, and the engines that keep it. The conformance suite is `@spoor/storage/conformance`. */
export { StorageError } from './contract.ts'
export { describeStoreEvent, STORE_EVENTS } from './events.ts'
export type {
  StoreEvent,
  StoreEventCode,
  StoreEventFields,
  StoreEventSeverity,
  StoreHealth,
  StorePart,
} from './events.ts'
export type {
  CallOptions,
  Dependencies,
  DependencyEdge,
  Field,
  Filter,
  Level,
  Operation,
  Order,
  SearchPage,
  SearchQuery,
  ServiceShare,
  StorageErrorCode,
  StoreStats,
  Target,
  TraceStore,
  TraceSummary,
} from './contract.ts'
export { regexProblem } from './pattern.ts'
export { openLocalStore } from './local/threads/local-store.ts'
export type { LocalStoreOptions } from './local/options.ts'
