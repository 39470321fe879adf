/**
 * What goes with a batch beside its data: who sent it, and how long somebody waits for its answer. Each stage hands it on as far as it
 * still holds. Source: `client.Info` and the contexts of the OpenTelemetry Collector.
 */

/** Header names in lower case, each with its values in their order. */
export type Metadata = ReadonlyMap<string, readonly string[]>

/** What an authenticator has found out about a client. */
export interface AuthData {
  readonly subject: string
  readonly attributes: Readonly<Record<string, string | readonly string[]>>
}

export interface DeliveryContext {
  /** The headers of the request, where the receiver is told to pass them on (`include_metadata`). */
  readonly metadata: Metadata
  /** Where the client is, as `10.0.0.7:51432`. Undefined where it is not known (any more). */
  readonly peer: string | undefined
  readonly auth: AuthData | undefined
  /** Reserved. */
  readonly tenant: string | undefined
  /**
   * When nobody waits for the answer any more, in milliseconds on the clock of `performance.now()`. Undefined where there is no such
   * time, and from the answer on.
   */
  readonly deadline: number | undefined
  /**
   * Aborts when nobody waits for the answer any more: the client has left, or the deadline passed. Never once there is an
   * answer, so that what goes on after it is not cut off. Made when it is first read: one that nobody reads costs nothing. Undefined where
   * nobody can leave.
   */
  readonly signal: AbortSignal | undefined
}

const NO_METADATA: Metadata = new Map()

/** Of a batch that nobody waits for and of whose sender nothing is known. */
export const EMPTY_CONTEXT: DeliveryContext = Object.freeze({
  metadata: NO_METADATA,
  peer: undefined,
  auth: undefined,
  tenant: undefined,
  deadline: undefined,
  signal: undefined,
})

/** What goes with a batch of several senders whose metadata has the same values for these keys: these values. */
export function onlyMetadata(keys: readonly string[], { metadata }: DeliveryContext): DeliveryContext {
  if (keys.length === 0) return EMPTY_CONTEXT
  const same = keys.flatMap((key): [string, readonly string[]][] => {
    const values = metadata.get(key)
    return values === undefined ? [] : [[key, values]]
  })
  return { ...EMPTY_CONTEXT, metadata: new Map(same) }
}

/** What is left of it for a stage that has answered and keeps the batch: who sent it. */
export function withoutWait({ metadata, peer, auth, tenant }: DeliveryContext): DeliveryContext {
  if (metadata.size === 0 && peer === undefined && auth === undefined && tenant === undefined) return EMPTY_CONTEXT
  return { ...EMPTY_CONTEXT, metadata, peer, auth, tenant }
}
