import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import {
  context,
  diag,
  DiagLogLevel,
  propagation,
  type TextMapPropagator,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  loggingErrorHandler,
  setGlobalErrorHandler,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { type Instrumentation, registerInstrumentations } from '@opentelemetry/instrumentation'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { checkApiCopies } from './api-copies.ts'
import { type Application, findApplication } from './application.ts'
import { Delivery, type DeliveryStats } from './delivery.ts'
import { ExcludingSampler } from './exclude.ts'
import { handleExits } from './exits.ts'
import { createOtlpExporter } from './exporter.ts'
import { durationText } from './failure.ts'
import { defaultInstrumentations, missedModules, patchedModules, shortName } from './instrumentations.ts'
import { hookImports } from './loader-hooks.ts'
import type { TracingOptions } from './options.ts'
import { createReporter, type Reporter } from './reporter.ts'
import { createResource } from './resource.ts'
import { resolveSettings, type Settings } from './settings.ts'
import { getTracer, setDefaultScope } from './spans.ts'

/** When the second look for packages that escaped instrumentation is taken: the application has been imported by then. */
const secondLookMs = 2_000

/** What became of the spans so far. */
export interface TracingStats extends DeliveryStats {
  /** Left out by a rule of `exclude`; those beneath them are not counted. */
  readonly excluded: number
}

/** A running tracing set-up. */
export interface Tracing {
  /** For spans made by hand; `withSpan` is shorter. */
  readonly tracer: Tracer
  /**
   * Sends all that has ended and resolves when the receiver has answered or the exporter has given up
   * (`exporter.timeoutMs`). Never rejects: what is lost is said and counted.
   */
  readonly flush: () => Promise<void>
  /**
   * Stops recording, sends all that has ended, for at most `exitDeadlineMs`, and takes back all that was installed.
   * Safe to call twice. Never rejects.
   */
  readonly shutdown: () => Promise<void>
  readonly stats: () => TracingStats
}

/** Shared by all copies of this package in a process. */
const runningKey = Symbol.for('spoor.instrument.running')
const shared = globalThis as { [runningKey]?: Tracing }

/**
 * Starts tracing for this process, in this order: resource, provider with exporter and batch processor, context manager
 * and propagator, library instrumentations, tracer. Says on one line what it did, and on one more each what is probably
 * not meant. A second call changes nothing and returns the first one's handle; without options it is the way to get at
 * what the register entry has started.
 *
 * @throws InstrumentError when an option has an impossible value. Nothing has been started then.
 */
export function startTracing(options: TracingOptions = {}): Tracing {
  const settings = resolveSettings(options, process.env)
  const reporter = createReporter({ quiet: settings.quiet || !isMainThread, level: settings.diagnosticsLevel })
  const running = shared[runningKey]
  if (running) {
    if (Object.keys(options).length > 0) {
      reporter.warn('startTracing was called again; the first call stays in force and these options are ignored')
    }
    return running
  }
  const findings = [...settings.findings]
  const application = findApplication(process.argv[1], process.cwd())
  const tracing = settings.disabled
    ? startDisabled(settings, reporter)
    : start(settings, application, reporter, (finding) => void findings.push(finding))
  // A worker thread is set up like its main thread, which has said it all.
  if (isMainThread) for (const finding of findings) reporter.warn(finding)
  shared[runningKey] = tracing
  return tracing
}

function start(
  settings: Settings,
  application: Application,
  reporter: Reporter,
  report: (finding: string) => void,
): Tracing {
  const serviceName = settings.serviceName ?? fallbackServiceName(application, report)
  const delivery = new Delivery(settings, reporter)
  installDiagnostics(settings, reporter, delivery)

  const sampler = new ExcludingSampler(settings.sampler, settings.exclude)
  const provider = new TracerProvider({
    resource: createResource(serviceName, settings.resourceAttributes),
    sampler,
    spanLimits: settings.spanLimits,
    spanProcessors: createProcessors(settings, delivery),
  })

  const uninstallContext = installContext(settings)
  const isGlobal = trace.setGlobalTracerProvider(provider)
  if (!isGlobal) {
    report('another OpenTelemetry SDK was started in this process before; spans go there and not to Spoor')
  }
  checkApiCopies(application, report)

  const instrumentations =
    settings.instrumentations === 'default'
      ? defaultInstrumentations(application, report)
      : [...settings.instrumentations]
  const unregister = registerInstrumentations({ tracerProvider: provider, instrumentations })
  hookImports(patchedModules(instrumentations))

  const uninstallExits = settings.destination === 'otlp' ? handleExits(delivery, settings) : () => {}
  setDefaultScope(serviceName, textOrUndefined(settings.resourceAttributes['service.version']))
  reporter.say(startLine(serviceName, settings, instrumentations))
  const stopLooking = lookForMissed(instrumentations, reporter)

  async function flush(): Promise<void> {
    // Rejections are the exporter's failures, which have been booked and told where they happened.
    await provider.forceFlush().catch(() => {})
    await delivery.settled()
  }

  async function stop(): Promise<void> {
    stopLooking()
    unregister()
    delivery.close()
    await Promise.race([flush(), delay(settings.exitDeadlineMs, undefined, { ref: false })])
    delivery.settleLastSend(delivery.pending(), 0, `no answer within ${settings.exitDeadlineMs} ms`)
    uninstallExits()
    // The exporter may still be trying, which nobody needs to wait for.
    void provider.shutdown().catch(() => {})
    uninstallContext()
    if (isGlobal) trace.disable()
    delete shared[runningKey]
  }
  let stopped: Promise<void> | undefined

  return {
    tracer: getTracer(),
    flush,
    shutdown: () => (stopped ??= stop()),
    stats: () => ({ ...delivery.stats, excluded: sampler.excluded }),
  }
}

/** `OTEL_SDK_DISABLED`: nothing is recorded, but context set by hand still travels, as the specification asks. */
function startDisabled(settings: Settings, reporter: Reporter): Tracing {
  const uninstallContext = installContext(settings)
  reporter.say('tracing is off: OTEL_SDK_DISABLED is true')
  return {
    tracer: getTracer(),
    flush: () => Promise.resolve(),
    shutdown: () => {
      uninstallContext()
      delete shared[runningKey]
      return Promise.resolve()
    },
    stats: () => ({ ended: 0, exported: 0, failed: 0, dropped: 0, waiting: 0, excluded: 0 }),
  }
}

function createProcessors(settings: Settings, delivery: Delivery): SpanProcessor[] {
  if (settings.destination === 'none') return []
  if (settings.destination === 'console') return [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })]
  const { batch } = settings
  const processor = new BatchSpanProcessor({
    exporter: delivery.watchExporter(createOtlpExporter(settings.exporter)),
    maxQueueSize: batch.maxQueueSize,
    maxExportBatchSize: batch.maxExportBatchSize,
    scheduledDelayMillis: batch.scheduledDelayMs,
    exportTimeoutMillis: batch.exportTimeoutMs,
    selfObsMeterProvider: delivery.meterProvider,
  })
  return [delivery.watchProcessor(processor)]
}

/** Context manager and propagator, which are global. Returns how to take them back, unless another SDK was first. */
function installContext(settings: Settings): () => void {
  const propagators = settings.propagators.map((propagator): TextMapPropagator => {
    if (propagator === 'tracecontext') return new W3CTraceContextPropagator()
    if (propagator === 'baggage') return new W3CBaggagePropagator()
    return propagator
  })
  const hasContext = context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const hasPropagator = propagation.setGlobalPropagator(new CompositePropagator({ propagators }))
  return () => {
    if (hasContext) context.disable()
    if (hasPropagator) propagation.disable()
  }
}

/** A logger that the application has set stays. */
function installDiagnostics(settings: Settings, reporter: Reporter, delivery: Delivery): void {
  const api = (globalThis as Record<symbol, { diag?: unknown } | undefined>)[Symbol.for('opentelemetry.js.api.1')]
  if (api?.diag === undefined && settings.diagnosticsLevel !== DiagLogLevel.NONE) {
    diag.setLogger(reporter.diagLogger, { logLevel: settings.diagnosticsLevel, suppressOverrideMessage: true })
  }
  const log = loggingErrorHandler()
  setGlobalErrorHandler((error) => {
    if (!delivery.isReported(error)) log(error)
  })
}

function fallbackServiceName(application: Application, report: (finding: string) => void): string {
  const name = application.name ?? 'unknown_service:node'
  report(
    `no service name given; "${name}" is used${application.name ? ', from package.json' : ''}: set OTEL_SERVICE_NAME`,
  )
  return name
}

function lookForMissed(instrumentations: readonly Instrumentation[], reporter: Reporter): () => void {
  const told = new Set<string>()
  function look(): void {
    for (const finding of missedModules(instrumentations)) {
      if (told.has(finding)) continue
      told.add(finding)
      reporter.warn(finding)
    }
  }
  look()
  const timer = setTimeout(look, secondLookMs)
  timer.unref()
  return () => clearTimeout(timer)
}

function startLine(serviceName: string, settings: Settings, instrumentations: readonly Instrumentation[]): string {
  const { exporter, batch, destination, exclude } = settings
  const target =
    destination === 'otlp'
      ? `${exporter.protocol} ${exporter.shownUrl} · batch ${batch.maxExportBatchSize}/${durationText(batch.scheduledDelayMs)}`
      : destination
  const names = instrumentations.map(shortName).join(', ') || 'no instrumentations'
  return `tracing "${serviceName}" → ${target} · ${names} · ${exclude.length} excluded`
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
