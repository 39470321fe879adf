/** Where traces are kept: the contract, and the engines that keep it. The conformance suite is `@spoor/storage/conformance`. */
export {
  collectSearch,
  DURATION_ERROR,
  ERROR_ORDERS,
  GROUP_FIELDS,
  GROUP_ORDERS,
  ORDERS,
  StorageError,
} from './contract.ts'
export { describeStoreEvent, STORE_EVENTS } from './events.ts'
export type {
  KeepingState,
  SealingState,
  StoreEvent,
  StoreEventCode,
  StoreEventFields,
  StoreEventSeverity,
  StoreHealth,
  StorePart,
} from './events.ts'
export type {
  AggregateBucket,
  AggregateEnd,
  AggregateGroup,
  AggregateQuery,
  Aggregates,
  AggregateScope,
  Bottleneck,
  BottleneckQuery,
  CallOptions,
  Capabilities,
  CompareQuery,
  CompareScope,
  Comparison,
  Dependencies,
  DependenciesOptions,
  DependencyEdge,
  Difference,
  Differences,
  ErrorGroup,
  ErrorGroups,
  ErrorGroupsQuery,
  ErrorOrder,
  Exemplar,
  Field,
  Filter,
  Flame,
  FlameFrame,
  FlameOthers,
  FlameQuery,
  GroupKey,
  GroupOrder,
  HeatMap,
  HeatMapQuery,
  Level,
  MatchedSpan,
  MatchedSpans,
  Measures,
  OnPartial,
  Operation,
  Order,
  PartialAnswer,
  Pin,
  Relation,
  SearchEnd,
  SearchEvent,
  SearchPage,
  SearchProgress,
  SearchQuery,
  ServiceShare,
  SpanSet,
  StorageErrorCode,
  StoreStats,
  TailEvent,
  TailProgress,
  TailQuery,
  Target,
  TimeShare,
  TraceField,
  TraceStore,
  TraceSummary,
} from './contract.ts'
export { compilePattern, isTooMuch, regexProblem } from './pattern.ts'
export type { Pattern } from './pattern.ts'
export { openLocalStore } from './local/threads/local-store.ts'
export type { KeepOptions, LocalStoreOptions } from './local/options.ts'
export { backupStore } from './local/tools/backup.ts'
export type { BackupReport } from './local/tools/backup.ts'
export { deleteFrom } from './local/tools/delete.ts'
export type { DeleteOptions, DeleteReport, DeleteSpec } from './local/tools/delete.ts'
export { repairStore } from './local/tools/repair.ts'
export type { Repair, RepairOptions, RepairReport } from './local/tools/repair.ts'
export type { DamagedRange, IndexCondition, LogCondition, SegmentReport, StoreReport } from './local/tools/report.ts'
export { verifyStore } from './local/tools/verify.ts'
export type { ToolOptions, ToolProgress } from './local/tools/work.ts'
export { readSpans } from './local/tools/read-spans.ts'
export type { ReadOptions, ReadReport, TakeSpans } from './local/tools/read-spans.ts'
