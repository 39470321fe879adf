import type { TelemetryBatch, Signal } from '@spoor/otlp'
import type { Logger } from './logger.ts'
import type { Budget, Collect } from './budget.ts'
import type { ClientAuthenticator, ServerAuthenticator } from './authentication.ts'
import type { DeliveryContext } from './delivery-context.ts'
import type { Counters } from './counters.ts'
import type { Ledger } from './ledger.ts'
import type { Report, StatusEvent } from './component-status.ts'
import type { ComponentOverview, Overview } from './overview.ts'

/**
 * What a component is. A receiver makes batches, a processor changes them, an exporter sends them away, a connector is
 * the exporter of one pipeline and the receiver of another, an extension serves the others. Components import this
 * folder and nothing else of the collector.
 *
 * Lifecycle, as the OpenTelemetry Collector has it: created, started, shut down. The graph starts exporters first and
 * receivers last, so that whoever is started finds the next stage ready; it shuts down receivers first and exporters
 * last, so that what was taken is drained. `shutdown` may be called without `start`, and twice; the second call does
 * nothing.
 */
export interface Component {
  /**
   * Resolves when the component is ready for work. Rejects with a {@link CollectorError} that names the component and
   * the way out.
   */
  start(host: Host): Promise<void>
  /**
   * Stops taking new work and drains what was taken. Must be done when `signal` aborts: what could not be drained by
   * then is counted as dropped and logged, never left in silence.
   */
  shutdown(signal: AbortSignal): Promise<void>
  /**
   * The last call, once the `shutdown` of every component is over or was given up. What no stage has answered for by now
   * is lost: it is counted, and the totals of all that was dropped are logged on one line. Must not wait. The second call
   * does nothing.
   */
  finish?(): void
  /**
   * What it has from its start to its shutdown and only one can have, as `tcp 4317` or `file /var/spans.json`; known without a
   * start. In a reload a component that claims what another has is started only after that one is shut down. A receiver
   * gives it up before its `shutdown` first waits.
   */
  readonly claims?: readonly string[]
  /**
   * A reload has put another exporter in this one's place: whatever this one has taken and not sent goes to `successor`. Nothing is handed to it
   * any more; `shutdown` comes afterwards, and waits for this.
   */
  handOver?(successor: Consumer): void
  /**
   * A reload has a successor for what it claims, which starts now: what comes to its ports meanwhile waits for that one, and connections that
   * there are may finish what they have begun. `shutdown` is called once the successor has started, or could not.
   */
  yieldPorts?(): void
  /** A reload leaves it as it is: what it has read from files (certificates), it reads anew. Must not throw or wait. */
  refresh?(): void
  /** The addresses that it listens on, once started. */
  listening?(): readonly Listening[]
}

/** An open port: `address` is what a client is given, like `127.0.0.1:4317`. */
export interface Listening {
  readonly protocol: string
  readonly address: string
}

/** A stage that takes batches. */
export interface Consumer {
  /**
   * Resolves when the next stage has taken responsibility for the batch; until then the caller still has it. Awaiting
   * it is the back pressure. Rejects with a {@link CollectorError}, permanent or retryable, when the batch was not
   * taken. The consumer owns the batch object from the call on; the bytes in it are immutable and may be shared. Once the
   * batch is taken the caller must not read them: the last stage may free their memory (`freeMemory` of @spoor/otlp). Who
   * keeps them, or hands them on twice, calls `shareMemory` before.
   *
   * `context`: what goes with the batch. A stage hands on the one that it got; one that answers before the next stage has, or makes one batch
   * of several, hands on what still holds of it (`withoutWait`, `EMPTY_CONTEXT`).
   */
  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void>
  /**
   * True where `consume` resolves only when the batch is on disk. A fan-out asks such a consumer before the others, so
   * that an answer to a sender means "on disk" wherever a store is among the exporters. A processor or connector that
   * answers before the next stage has must say false; one that says nothing is as durable as what it hands on to.
   * Default: false for an exporter.
   */
  readonly durable?: boolean
  /**
   * True where nobody reads the bytes of a batch any more once `consume` has settled, whether it was taken or not. Whoever
   * made the batch can then give their memory with it (`giveMemory` of @spoor/otlp), and free it at once afterwards. It is
   * to be read for each batch anew, right before `consume`: a reload changes it. Default: false, as a stage that answers
   * early, or keeps what it was handed, reads it later.
   */
  readonly releases?: boolean
}

/** What the graph offers to a component that starts. */
export interface Host {
  /** A started extension by its component id (`health_check`, `file_storage/queue`), or undefined. */
  extension(id: string): Extension | undefined
  /** Reports an error after start that the component cannot recover from; the collector then stops in good order. */
  fail(id: string, cause: Error): void
  /** The pipelines with their components, and how they are now. */
  overview(): Overview
  /** Where the status of the collector can be read on this machine: an origin, as `http://127.0.0.1:55680`. */
  readonly statusAddress?: string | undefined
  /**
   * The folder, made where it is missing, for what must outlive the process and is of one component alone; `owner` as for {@link Storage.fileOf}. Throws where it cannot
   * be had. Undefined where the collector has no folder of its own.
   */
  readonly folderOf?: ((owner: string) => string) | undefined
}

/** What an extension can do for other components. The config loader sees to it that one that is named for something can do it. */
export type Capability = 'storage' | 'serverAuthenticator' | 'clientAuthenticator'

/** An extension: a component that is in no pipeline, and serves the others or those who operate the collector. */
export interface Extension extends Component {
  readonly storage?: Storage
  readonly serverAuthenticator?: ServerAuthenticator | undefined
  readonly clientAuthenticator?: ClientAuthenticator | undefined
  /** Configuration watcher: hears of the configuration before `ready`, and of another after a reload; as text values, secrets left out. */
  configured?(config: unknown): void
  /** Status watcher: a component, of whatever kind, has come into another status. Must not throw or wait. */
  statusChanged?(component: Pick<ComponentOverview, 'kind' | 'id'>, event: StatusEvent): void
  /** Pipeline watcher: all components are started, from now on the collector takes data. */
  ready?(): void
  /** Pipeline watcher: the collector begins to stop. */
  notReady?(): void
}

/** Keeps what must outlive the process. */
export interface Storage {
  /** The file that belongs to one component alone, in a directory that is there. `owner`: its kind and id, as `exporter otlp/jaeger`. */
  fileOf(owner: string): string
  /** Whether what is written must be on the disk, and not only with the system, before it counts as kept. */
  readonly fsync: boolean
  /** The most bytes that one of its files may have. Undefined: as many as the disk has. */
  readonly maxBytes?: number | undefined
}

/** What a component gets when it is created. */
export interface Context {
  /** `type[/name]`, as in the YAML. */
  readonly id: string
  /** Of a processor: the id of the pipeline that it is in. */
  readonly pipeline?: string | undefined
  /** Of an exporter: the signals of the pipelines that name it, at first. Others may come after a reload. */
  readonly signals?: readonly Signal[] | undefined
  /** Whether metrics of the level `detailed` are asked for. Nobody else pays for them. Default: false. */
  readonly isDetailed?: boolean | undefined
  /** `service.instance.id` of the collector: what tells its metrics from those of others. Undefined outside of one. */
  readonly instanceId?: string | undefined
  readonly logger: Logger
  readonly counters: Counters
  /** Tells how the component is, once it has started. It is `ok` by itself after its start. */
  readonly report: Report
  /** The bytes in flight of the whole collector; whoever holds some takes a lease for them. */
  readonly budget: Budget
  /** Who sends what to the receivers; undefined where nobody keeps it. */
  readonly ledger?: Ledger | undefined
  /** Collects garbage on this thread; undefined where that is V8's business. */
  readonly collect?: Collect | undefined
}

export type Kind = 'receiver' | 'processor' | 'exporter' | 'connector' | 'extension'

/**
 * A zod schema, or anything that parses like one. Gives type, defaults and validation of a component's config at once.
 */
export interface Schema<C> {
  safeParse(input: unknown): { success: true; data: C } | { success: false; error: { issues: readonly SchemaIssue[] } }
}

/**
 * One thing that is wrong. `keys`: names of unknown keys at `path`; `message` then has one line for each of them.
 * `expected`: the type that was wanted where a value of another type was found.
 */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: readonly string[]
  readonly expected?: string
}

interface FactoryBase<K extends Kind, C> {
  readonly kind: K
  /** The component's type in the YAML, lower_snake_case. */
  readonly type: string
  /** Older names that are still read; using one logs a deprecation. */
  readonly aliases?: readonly string[]
  readonly config: Schema<C>
}

export interface ReceiverFactory<C = never> extends FactoryBase<'receiver', C> {
  readonly signals: readonly Signal[]
  /**
   * One receiver serves all pipelines that name it: `next` has a consumer (a fan-out where there are several pipelines)
   * for each signal that a pipeline wants from it.
   */
  create(context: Context, config: C, next: ReadonlyMap<Signal, Consumer>): Component
}

export interface ProcessorFactory<C = never> extends FactoryBase<'processor', C> {
  readonly signals: readonly Signal[]
  /** What is wrong with a config for this signal, where that makes a difference; asked for each pipeline. Default: nothing. */
  check?(config: C, signal: Signal): readonly SchemaIssue[]
  create(context: Context, config: C, next: Consumer, signal: Signal): Component & Consumer
}

export interface ExporterFactory<C = never> extends FactoryBase<'exporter', C> {
  readonly signals: readonly Signal[]
  /** One exporter serves all pipelines that name it, of whatever signal. */
  create(context: Context, config: C): Component & Consumer
}

/** A way out of a connector that chooses where its batches go. */
export interface Route {
  /** The ids of the pipelines that it leads to. */
  readonly pipelines: readonly string[]
  /** Where the config names them. */
  readonly path: readonly PropertyKey[]
}

export interface ConnectorFactory<C = never> extends FactoryBase<'connector', C> {
  /** The signals that it takes, each with those that it gives. */
  readonly signals: ReadonlyMap<Signal, readonly Signal[]>
  /** The ways out of one that chooses. Default: it hands on to all pipelines that name it as a receiver. */
  routes?(config: C): readonly Route[]
  /**
   * `next`: for each signal, all pipelines that name it; empty where it has routes. `routes`: the consumer of each of these, in their order; where
   * they lead to the same pipelines it is the same one.
   */
  create(
    context: Context,
    config: C,
    next: ReadonlyMap<Signal, Consumer>,
    routes: readonly Consumer[],
  ): Component & Consumer
}

export interface ExtensionFactory<C = never> extends FactoryBase<'extension', C> {
  /** What an extension with this config can do for other components. Default: nothing. */
  provides?(config: C): readonly Capability[]
  create(context: Context, config: C): Extension
}

/**
 * A factory whatever its config type. `any` is the erased type: each factory is checked against its own schema where it
 * is defined.
 */
/* eslint-disable typescript/no-explicit-any */
export type Factory =
  | ReceiverFactory<any>
  | ProcessorFactory<any>
  | ExporterFactory<any>
  | ConnectorFactory<any>
  | ExtensionFactory<any>
/* eslint-enable typescript/no-explicit-any */

/** A component type that is known by its names; its code is loaded when a configuration names it. */
export interface DeferredFactory extends Pick<Factory, 'kind' | 'type' | 'aliases'> {
  /** The same factory each time. Rejects where its code cannot be loaded. */
  load(): Promise<Factory>
}

/** A component type that a configuration may name. */
export type KnownFactory = Factory | DeferredFactory
