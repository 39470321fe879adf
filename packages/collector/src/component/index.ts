/** What components build on: the contract, the errors, the figures, and the parts of config schemas. */
export type * from './component.ts'
export {
  EMPTY_CONTEXT,
  onlyMetadata,
  withoutWait,
  type AuthData,
  type DeliveryContext,
  type Metadata,
} from './delivery-context.ts'
export type { ClientAuthenticator, Credentials, ServerAuthenticator } from './authentication.ts'
export type { Logger } from './logger.ts'
export {
  aggregate,
  createTroubles,
  StatusTracker,
  type ComponentStatus,
  type Condition,
  type Report,
  type StatusEvent,
  type Troubles,
} from './component-status.ts'
export {
  NO_DOOR,
  type BodyForm,
  type CompressedForm,
  type Ledger,
  type LedgerDoor,
  type Peer,
  type LedgerReport,
  type ProcessReport,
  type OutcomeReport,
  type PortTraits,
  type RefusalFacts,
  type SampledOrigin,
  type SampledResource,
  type SenderAccount,
  type SenderReport,
  type Surroundings,
} from './ledger.ts'
export { byGravity, type Attention, type MendingLine } from './attention.ts'
export {
  parseProcessReport,
  REPORT_HEADER,
  REPORTS_HEADER,
  REPORTS_VERSION,
  type ProcessFacts,
} from './process-report.ts'
export { ANNOUNCEMENT_HEADER, announcedOrigin, announcementTo, DOCTOR_ALPN } from './announcement.ts'
export { version } from './version.ts'
export {
  NO_OVERVIEW,
  type ComponentOverview,
  type Edge,
  type Figures,
  type Overview,
  type PipelineOverview,
  type Place,
} from './overview.ts'
export { folderStorage, ownFolder, prepareFolder } from './folder-storage.ts'
export { listenError, portClaims } from './ports.ts'
export { CollectorError, joinErrors, type CollectorErrorCode } from './error.ts'
export {
  BYTE_BOUNDS,
  createCounters,
  ITEM_BOUNDS,
  ITEM_NAMES,
  signalCounters,
  type Counter,
  type Counters,
  type Histogram,
  type HistogramSample,
  type Sample,
} from './counters.ts'
export { httpMetrics, rpcMetrics, type Endpoint, type HttpFigures } from './request-metrics.ts'
export {
  GRPC,
  errorFromGrpc,
  errorFromHttp,
  grpcFromHttp,
  grpcName,
  statusOf,
  toCollectorError,
  type Status,
} from './status.ts'
export {
  count,
  durationMs,
  headers,
  formatHostPort,
  listenEndpoint,
  lowerCase,
  metadataKeys,
  parseHostPort,
  parsePeer,
  peerEndpoint,
  readConfigFile,
  middlewares,
  section,
  stringList,
  wordKey,
  type HostPort,
  type PeerEndpoint,
} from './schema.ts'
export { CAPABILITY_NAMES, extensionId, extensionOf, extensionsIn, type ExtensionReference } from './extension-id.ts'
export { anyValue, Double, anyValuesIn } from './any-value.ts'
export { keysWithoutEffect, withoutEffect } from './without-effect.ts'
export {
  createBudget,
  DEFAULT_BUDGET_BYTES,
  type Budget,
  type BudgetOptions,
  type BudgetStage,
  type Collect,
  type Keeper,
  type Lease,
  heldByChunk,
  heldBytes,
} from './budget.ts'
export { adoptBody, allocateMapped, freeBody, freeBytes, ownsBuffer, unusedBytes, type Usage } from './body-memory.ts'
export { didYouMean, nearest } from './suggest.ts'
export { createLogLimiter, type LogLimiter } from './log-limiter.ts'
export { createDropLog, type DropLog, type Loss } from './drop-log.ts'
export { aborted, follow, sleep, timerMs } from './sleep.ts'
export { keepTrying } from './keep-trying.ts'
export { loadSqlite, transact } from './sqlite.ts'
export { SqliteFile } from './sqlite-file.ts'
export { diskSpace } from './disk-space.ts'
export { hostAllowed, isForOtherSite, isLoopback } from './host.ts'
export { textOf, tlsKeys, tlsOptions, tlsProblem } from './tls.ts'
export { isSameSecret, secretDigest } from './secret.ts'
export { createTlsFiles, type TlsFiles } from './tls-files.ts'
