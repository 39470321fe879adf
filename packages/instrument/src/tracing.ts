import { isMainThread } from 'node:worker_threads'
import { context, diag, DiagLogLevel, propagation, trace, type Tracer } from '@opentelemetry/api'
import { ContextManager, putInForce } from './context-manager.ts'
import { type Instrumentation, registerInstrumentations } from '@opentelemetry/instrumentation'
import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { checkApiCopies } from './api-copies.ts'
import { type Application, findApplication } from './application.ts'
import { isBundle } from './bundled.ts'
import { Delivery, type DeliveryStats } from './delivery.ts'
import { InstrumentError } from './error.ts'
import { ExcludingSampler } from './exclude.ts'
import { handleExits } from './exits.ts'
import { goodbyeText } from './goodbye.ts'
import { awaited, defaultInstrumentations, missedModules, modulesToPatch, patched } from './instrumentations.ts'
import { hookImports } from './loader-hooks.ts'
import type { TracingOptions } from './options.ts'
import { createProcessReports, type ProcessReports } from './process-reports.ts'
import { createPropagator, propagatorsText } from './propagators.ts'
import { createReporter, type Reporter } from './reporter.ts'
import { createResource } from './resource.ts'
import { otherRuntime, runtimeProblem } from './runtime.ts'
import { resolveSettings, type Settings } from './settings.ts'
import { getTracer, setDefaultScope } from './spans.ts'
import { startLine } from './start-line.ts'
import { TracerProvider } from './trace/tracer.ts'

/** When the second look for packages that escaped instrumentation is taken: the application has been imported by then. */
const secondLookMs = 2_000

/** What became of the spans so far. */
export interface TracingStats extends DeliveryStats {
  /** Left out by a rule of `exclude`; those beneath them are not counted. */
  readonly excluded: number
  /** Traces that would have begun here, and that the sampler decided against. */
  readonly notSampled: number
  /** Requests whose caller had not sampled them. */
  readonly notSampledByCaller: number
  /** Started and not ended. */
  readonly open: number
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
const startedKey = Symbol.for('spoor.instrument.started')
const shared = globalThis as { [runningKey]?: Tracing; [startedKey]?: true }

/** Whether tracing was ever started in this process, by whatever copy of this package. */
export function hasStarted(): boolean {
  return shared[startedKey] === true
}

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
  shared[startedKey] = true
  if (running) {
    if (Object.keys(options).length > 0) {
      reporter.warn('startTracing was called again; the first call stays in force and these options are ignored')
    }
    return running
  }
  const findings = [...settings.findings]
  const tracing = startUnlessOff(settings, reporter, (finding) => void findings.push(finding))
  // A worker thread is set up like its main thread, which has said it all.
  if (isMainThread) for (const finding of findings) reporter.warn(finding)
  shared[runningKey] = tracing
  return tracing
}

/** Whatever happens, the application goes on, without tracing if need be. */
function startUnlessOff(settings: Settings, reporter: Reporter, report: (finding: string) => void): Tracing {
  if (settings.disabled) return startDisabled(settings, reporter, 'OTEL_SDK_DISABLED is true')
  const problem = runtimeProblem()
  if (problem !== undefined) {
    report(`tracing is off: ${problem}`)
    return off(() => {})
  }
  try {
    return start(settings, findApplication(process.argv[1], process.cwd()), reporter, report)
  } catch (error) {
    if (error instanceof InstrumentError) throw error
    report(`tracing is off: ${(error as Error).message}`)
    return off(() => {})
  }
}

function start(
  settings: Settings,
  application: Application,
  reporter: Reporter,
  report: (finding: string) => void,
): Tracing {
  const serviceName = settings.serviceName ?? fallbackServiceName(application, report)
  const resource = createResource(serviceName, settings.resourceAttributes)
  const delivery = new Delivery(settings, resource, reporter)
  installDiagnostics(settings, reporter)

  const sampler = new ExcludingSampler(settings.sampler, settings.exclude, () => sayUnsampledCaller(reporter))
  const provider = new TracerProvider({
    resource,
    sampler,
    spanLimits: settings.spanLimits,
    processor: createProcessor(settings, delivery),
  })

  const uninstallContext = installContext(settings)
  const isGlobal = trace.setGlobalTracerProvider(provider)
  if (!isGlobal) {
    report('another OpenTelemetry SDK was started in this process before; spans go there and not to Spoor')
  }
  checkApiCopies(application, report)
  const other = otherRuntime()
  if (other !== undefined) {
    report(
      `${other} does not let libraries be patched: only spans made in code (withSpan, @opentelemetry/api) are recorded`,
    )
  }
  if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) {
    report('AWS Lambda freezes the process after each request: await tracing.flush() at the end of your handler')
  }

  const instrumentations = instrumentationsOf(settings, application, other, report)
  const unregister = registerInstrumentations({ tracerProvider: provider, instrumentations })
  hookImports(modulesToPatch(instrumentations), report)

  const uninstallExits =
    settings.destination === 'otlp'
      ? handleExits(delivery, settings, sayGoodbye, (exitCode) => reports?.goodbye(exitCode))
      : () => {}
  setDefaultScope(serviceName, textOrUndefined(settings.resourceAttributes['service.version']))
  const inPlace = patched(instrumentations)
  reporter.say(startLine(serviceName, settings, inPlace, awaited(instrumentations, application)))
  const stopLooking = lookAgain(instrumentations, inPlace, application, reporter)

  const stats = (): TracingStats => ({
    ...delivery.stats,
    excluded: sampler.excluded,
    notSampled: sampler.notSampled,
    notSampledByCaller: sampler.notSampledByCaller,
    open: delivery.open.size,
  })

  const reports = settings.reports && isMainThread ? createReports() : undefined
  function createReports(): ProcessReports {
    const { attributes } = resource
    const reports = createProcessReports(
      () => ({
        ...stats(),
        service: serviceName,
        pid: process.pid,
        host: textOrUndefined(attributes['host.name']) ?? '',
        sdk: `@spoor/instrument on OpenTelemetry ${textOrUndefined(attributes['telemetry.sdk.version']) ?? ''}`.trim(),
        runtime: `Node ${process.versions.node}`,
        exporter: `${settings.exporter.protocol} ${settings.exporter.shownUrl}`,
        sampler: settings.samplerText,
        propagators: propagatorsText(settings.propagators),
        patched: patched(instrumentations),
        awaited: awaited(instrumentations, application),
        neverEnded: delivery.open.kinds(),
        firstError: delivery.firstError,
      }),
      (headers) => delivery.sendHeaders(headers),
    )
    delivery.onWantsReports = () => reports.start()
    return reports
  }

  async function flush(): Promise<void> {
    await within(settings.exporter.timeoutMs, delivery.forceFlush())
  }

  let hasSaidGoodbye = false
  function sayGoodbye(): void {
    if (hasSaidGoodbye) return
    hasSaidGoodbye = true
    const { samplerText } = settings
    const text = goodbyeText({ ...stats(), samplerText, neverEnded: delivery.open.kinds() })
    if (text !== undefined) reporter.say(text)
  }

  async function stop(): Promise<void> {
    stopLooking()
    unregister()
    delivery.close()
    await within(settings.exitDeadlineMs, delivery.forceFlush())
    delivery.settleLastSend(delivery.takePending(), 0, {
      code: 'TIMEOUT',
      words: `no answer within ${settings.exitDeadlineMs} ms`,
      retryable: true,
    })
    const last = reports?.goodbye(0)
    if (last) await within(settings.exitDeadlineMs, delivery.sendHeaders(last))
    sayGoodbye()
    uninstallExits()
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
    stats,
  }
}

/** `OTEL_SDK_DISABLED`: nothing is recorded, but context set by hand still travels, as the specification asks. */
function startDisabled(settings: Settings, reporter: Reporter, reason: string): Tracing {
  const uninstallContext = installContext(settings)
  reporter.say(`tracing is off: ${reason}`)
  return off(uninstallContext)
}

function instrumentationsOf(
  { instrumentations }: Settings,
  application: Application,
  other: string | undefined,
  report: (finding: string) => void,
): Instrumentation[] {
  if (instrumentations !== 'default') return [...instrumentations]
  return other === undefined ? defaultInstrumentations(application, report) : []
}

/** The handle of what does nothing. */
function off(uninstall: () => void): Tracing {
  return {
    tracer: getTracer(),
    flush: () => Promise.resolve(),
    shutdown: () => {
      uninstall()
      delete shared[runningKey]
      return Promise.resolve()
    },
    stats: () => nothing,
  }
}

const nothing: TracingStats = {
  ended: 0,
  exported: 0,
  failed: 0,
  dropped: 0,
  waiting: 0,
  excluded: 0,
  notSampled: 0,
  notSampledByCaller: 0,
  open: 0,
}

function createProcessor(settings: Settings, delivery: Delivery): SpanProcessor | undefined {
  if (settings.destination === 'none') return undefined
  if (settings.destination === 'console') return new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
  return delivery
}

/** Context manager and propagator, which are global. Returns how to take them back, unless another SDK was first. */
function installContext(settings: Settings): () => void {
  const manager = new ContextManager().enable()
  const hasContext = context.setGlobalContextManager(manager)
  if (hasContext) putInForce(manager)
  const hasPropagator = propagation.setGlobalPropagator(createPropagator(settings.propagators))
  return () => {
    if (hasContext) context.disable()
    if (hasPropagator) propagation.disable()
  }
}

/** A logger that the application has set stays. */
function installDiagnostics(settings: Settings, reporter: Reporter): void {
  const api = (globalThis as Record<symbol, { diag?: unknown } | undefined>)[Symbol.for('opentelemetry.js.api.1')]
  if (api?.diag === undefined && settings.diagnosticsLevel !== DiagLogLevel.NONE) {
    diag.setLogger(reporter.diagLogger, { logLevel: settings.diagnosticsLevel, suppressOverrideMessage: true })
  }
}

function sayUnsampledCaller(reporter: Reporter): void {
  reporter.sayOnce(
    'unsampled caller',
    'a request has come whose caller had not sampled it (traceparent …-00), so it is not recorded here either; how many there are is told at the end',
  )
}

function fallbackServiceName(application: Application, report: (finding: string) => void): string {
  const name = application.name ?? 'unknown_service:node'
  report(
    `no service name given; "${name}" is used${application.name ? ', from package.json' : ''}: set OTEL_SERVICE_NAME`,
  )
  return name
}

/** Tells what escaped instrumentation, and what was patched since the line at start. */
function lookAgain(
  instrumentations: readonly Instrumentation[],
  inPlace: readonly string[],
  application: Application,
  reporter: Reporter,
): () => void {
  const told = new Set<string>()
  function look(): void {
    for (const finding of missedModules(instrumentations)) {
      if (told.has(finding)) continue
      told.add(finding)
      reporter.warn(finding)
    }
  }
  look()
  const timer = setTimeout(() => {
    look()
    const since = patched(instrumentations).filter((name) => !inPlace.includes(name))
    if (since.length > 0) reporter.say(`patched ${since.join(', ')}`)
    const missing = awaited(instrumentations, application)
    if (missing.length > 0 && isBundle(process.argv[1])) {
      reporter.warn(
        `${process.argv[1]} is a bundle, and what is in it cannot be patched: ${missing.join(', ')}; leave packages out of it (esbuild --packages=external, externals of webpack)`,
      )
    }
  }, secondLookMs)
  timer.unref()
  return () => clearTimeout(timer)
}

/** Resolves with `work`, or when so many milliseconds are over. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms).unref()
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
