/**
 * YAML → merged → expanded → validated → frozen. All that is wrong is told at once, each with file, line, column and the way
 * out:
 *
 *     otel.yaml:14:7 exporters.otlp/jaeger.endpoint: "jaeger:99999": port out of range (1-65535)
 *
 * The language is the OpenTelemetry Collector's: sections of components by `type[/name]`, and `service.pipelines` that
 * connect them.
 */
import type { Signal } from '@spoor/otlp'
import {
  CAPABILITY_NAMES,
  CollectorError,
  didYouMean,
  extensionsIn,
  keysWithoutEffect,
  parseHostPort,
  type Capability,
  type Factory,
  type Kind,
  type KnownFactory,
} from '../component/index.ts'
import { SIGNALS } from '../otlp-protocol/services.ts'
import { telemetryConfig, type TelemetryConfig } from '../telemetry/index.ts'
import { entriesOf, freeze, parse, readComponents } from './components.ts'
import type { CollectorConfig, ComponentConfig, PipelineConfig } from './config.ts'
import type { ConfigText } from './document.ts'
import type { References } from './expand.ts'
import { habitsOf } from './habits.ts'
import { isMapping } from './merge.ts'
import type { Path } from './places.ts'
import { withoutSecrets } from './redact.ts'
import { ReferenceChecker, type Names } from './references.ts'
import { readSource, type ConfigIssue, type Source } from './source.ts'

export interface CheckOptions {
  /** Those that the configuration names are loaded. */
  readonly factories: readonly KnownFactory[]
  /** Whether the program serves the collector's own metrics as `service.telemetry.metrics` says. Default: false. */
  readonly servesMetrics?: boolean
  /** Whether it makes its log as `service.telemetry.logs` says. Default: false. */
  readonly makesLogger?: boolean
}

export interface LoadOptions extends References, CheckOptions {
  /** The YAML texts, the later over the earlier. */
  readonly texts: readonly ConfigText[]
}

const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const
const TOP_KEYS = [...SECTIONS, 'service']
const SERVICE_KEYS = ['extensions', 'pipelines', 'telemetry']
const PIPELINE_KEYS = ['receivers', 'processors', 'exporters']

/** What is told of one config: lines, and characters of a path and of a message. Nobody reads more, and a key or value may be huge. */
const MAX_LINES = 100
const MAX_PATH_CHARS = 500
const MAX_MESSAGE_CHARS = 1500

/** Throws `config` with one line for everything that is wrong, the first hundred of them. */
export function loadConfig(options: LoadOptions): CollectorConfig {
  return checkConfig(readSource(options.texts, options), options)
}

/** The same, of texts that were read. */
export function checkConfig(source: Source, options: CheckOptions): CollectorConfig {
  const loader = new Loader(source, options)
  const config = source.issues.length === 0 ? loader.load() : undefined
  const issues = [...source.issues, ...loader.issues]
  if (!config || issues.length > 0) throw new CollectorError('config', linesOf(issues).join('\n'))
  return { ...config, warnings: linesOf([...source.warnings, ...loader.warnings]) }
}

/** In the order of the files as they come up, and of the lines in each. */
export function linesOf(issues: readonly ConfigIssue[]): string[] {
  const files = [...new Set(issues.map(({ place }) => place.file))]
  const sorted = issues.toSorted(
    ({ place: a }, { place: b }) =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  )
  const shown = sorted.slice(0, MAX_LINES).map(format)
  return issues.length > MAX_LINES ? [...shown, `… and ${issues.length - MAX_LINES} more`] : shown
}

function format({ path, message, place: { file, line, column } }: ConfigIssue): string {
  const name = path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
  const where = line === 0 ? `${shorten(file, MAX_PATH_CHARS)}:` : `${file}:${line}:${column}`
  const what = name === '' ? '' : `${shorten(name, MAX_PATH_CHARS)}: `
  return `${where} ${what}${shorten(message, MAX_MESSAGE_CHARS)}`
}

function shorten(text: string, chars: number): string {
  return text.length > chars ? `${text.slice(0, chars)}…` : text
}

class Loader {
  readonly issues: ConfigIssue[] = []
  readonly warnings: ConfigIssue[] = []
  readonly #source: Source
  readonly #factories: readonly KnownFactory[]
  readonly #servesMetrics: boolean
  readonly #makesLogger: boolean

  constructor(source: Source, { factories, servesMetrics = false, makesLogger = false }: CheckOptions) {
    this.#source = source
    this.#factories = factories
    this.#servesMetrics = servesMetrics
    this.#makesLogger = makesLogger
  }

  load(): Omit<CollectorConfig, 'warnings'> | undefined {
    const root = this.#source.value
    if (root === null) {
      this.#fail([], 'empty configuration file; it needs receivers, exporters and service.pipelines')
      return undefined
    }
    if (!this.#mapping([], root, TOP_KEYS)) return undefined
    for (const name of SECTIONS) this.#mapping([name], root[name])
    const all = {
      receivers: this.#components('receiver', 'receivers', root['receivers']),
      processors: this.#components('processor', 'processors', root['processors']),
      exporters: this.#components('exporter', 'exporters', root['exporters']),
      connectors: this.#components('connector', 'connectors', root['connectors']),
      extensions: this.#components('extension', 'extensions', root['extensions']),
    }
    const service = root['service'] ?? {}
    if (!this.#mapping(['service'], service, SERVICE_KEYS)) return undefined
    const telemetry = this.#telemetry(service['telemetry'])
    const pipelines = this.#pipelines(service['pipelines'])
    const extensions = this.#ids(['service', 'extensions'], service['extensions'])
    const idsIn = (name: keyof Names): ReadonlySet<string> => new Set(entriesOf(root[name]).map(([key]) => key.trim()))
    const names: Names = {
      receivers: idsIn('receivers'),
      processors: idsIn('processors'),
      exporters: idsIn('exporters'),
      connectors: idsIn('connectors'),
      extensions: idsIn('extensions'),
    }
    new ReferenceChecker(names, all, (path, message) => this.#fail(path, message)).check(pipelines, extensions)
    this.#checkSignals(pipelines, all.processors)
    for (const { path, message, isWrong } of habitsOf(root, pipelines))
      (isWrong ? this.issues : this.warnings).push(this.#source.issueAt(path, message))
    const inPipelines = (stage: 'receivers' | 'processors' | 'exporters'): ReadonlySet<string> =>
      new Set([...pipelines.values()].flatMap((pipeline) => pipeline[stage]))
    const used: Names = {
      receivers: inPipelines('receivers'),
      processors: inPipelines('processors'),
      exporters: inPipelines('exporters'),
      connectors: inPipelines('exporters'),
      extensions: new Set(extensions),
    }
    for (const name of SECTIONS) {
      this.#warnUnused(name, all[name], used[name])
      this.#checkExtensions(name, all[name], used[name], only(all.extensions, used.extensions))
    }
    return {
      receivers: only(all.receivers, used.receivers),
      processors: only(all.processors, used.processors),
      exporters: only(all.exporters, used.exporters),
      connectors: only(all.connectors, used.connectors),
      extensions: only(all.extensions, used.extensions),
      pipelines,
      telemetry,
      effective: withoutSecrets(root),
    }
  }

  #components<K extends Kind>(kind: K, name: string, section: unknown): Map<string, ComponentConfig<K>> {
    return readComponents(kind, name, this.#source, section, this.#factories, {
      issue: (issue) => this.issues.push(issue),
      warning: (issue) => this.warnings.push(issue),
    })
  }

  #telemetry(input: unknown): TelemetryConfig {
    const path = ['service', 'telemetry']
    const issue = (problem: ConfigIssue): void => void this.issues.push(problem)
    const parsed = parse({ config: telemetryConfig }, this.#source, path, input, issue)
    if (!parsed) return telemetryConfig.parse({})
    for (const { path: inner, why } of keysWithoutEffect(telemetryConfig, input))
      this.warnings.push(this.#source.issueAt([...path, ...inner], `has no effect: ${why}`))
    const written = isMapping(input) && isMapping(input['metrics']) ? input['metrics'] : {}
    if (!this.#servesMetrics && Object.keys(written).length > 0) {
      const message = "has no effect: the collector's own figures are read from the program that runs it"
      this.warnings.push(this.#source.issueAt([...path, 'metrics'], message))
    }
    const logs = isMapping(input) && isMapping(input['logs']) ? input['logs'] : {}
    for (const key of ['encoding', 'output_paths']) {
      if (this.#makesLogger || logs[key] === undefined || logs[key] === null) continue
      this.warnings.push(
        this.#source.issueAt([...path, 'logs', key], 'has no effect: the program that runs it has its own log'),
      )
    }
    const config = parsed.data as TelemetryConfig
    if (config.metrics.address === undefined) return freeze(config)
    const message = 'is deprecated; use readers: [{pull: {exporter: {prometheus: {host: …, port: …}}}}] instead'
    this.warnings.push(this.#source.issueAt([...path, 'metrics', 'address'], message))
    if (written['readers'] !== undefined) return freeze(config)
    const { host, port } = parseHostPort(config.metrics.address)
    const { readers } = telemetryConfig.parse({
      metrics: { readers: [{ pull: { exporter: { prometheus: { host, port } } } }] },
    }).metrics
    return freeze({ ...config, metrics: { ...config.metrics, readers } })
  }

  #pipelines(input: unknown): Map<string, PipelineConfig> {
    const path = ['service', 'pipelines']
    const pipelines = new Map<string, PipelineConfig>()
    if (this.#mapping(path, input ?? {}) && entriesOf(input).length === 0) {
      this.#fail(path, 'service must have at least one pipeline, like traces: {receivers: [otlp], exporters: [debug]}')
    }
    for (const [id, value] of entriesOf(input)) {
      const here = [...path, id]
      const [signal = '', name] = id.split('/')
      if (!isSignal(signal) || name === '') {
        const message = `"${id}": not a pipeline id${didYouMean(signal, SIGNALS)}; write a signal (${SIGNALS.join(', ')}) or signal/name`
        this.#fail(here, message)
        continue
      }
      if (!this.#mapping(here, value ?? {}, PIPELINE_KEYS)) continue
      const stages = value as Record<string, unknown> | null
      pipelines.set(id, {
        id,
        signal,
        receivers: this.#once([...here, 'receivers'], stages?.['receivers']),
        processors: this.#ids([...here, 'processors'], stages?.['processors']),
        exporters: this.#once([...here, 'exporters'], stages?.['exporters']),
      })
    }
    return pipelines
  }

  /** A list of component ids; an item that is none is an issue and left out. */
  #ids(path: Path, input: unknown): string[] {
    if (input === undefined || input === null) return []
    if (!Array.isArray(input)) {
      this.#fail(path, `${JSON.stringify(input)}: expected a list of component ids, like [otlp]`)
      return []
    }
    return input.flatMap((item: unknown, index) => {
      if (typeof item === 'string') return [item.trim()]
      this.#fail([...path, index], `${JSON.stringify(item)}: expected a component id`)
      return []
    })
  }

  /** Ids of which each counts once, as where a batch comes from and goes to has no order. */
  #once(path: Path, input: unknown): string[] {
    const ids = this.#ids(path, input)
    for (const [index, id] of ids.entries()) {
      if (ids.indexOf(id) < index)
        this.warnings.push(this.#source.issueAt([...path, index], `has no effect: "${id}" is in the list already`))
    }
    return [...new Set(ids)]
  }

  /** What a processor cannot do with the signal of a pipeline that it is in. */
  #checkSignals(
    pipelines: ReadonlyMap<string, PipelineConfig>,
    all: ReadonlyMap<string, ComponentConfig<'processor'>>,
  ): void {
    const signalsOf = new Map<string, Set<Signal>>()
    for (const { signal, processors } of pipelines.values())
      for (const id of processors) signalsOf.set(id, (signalsOf.get(id) ?? new Set()).add(signal))
    for (const [id, signals] of signalsOf) {
      const { factory, config } = all.get(id) ?? {}
      for (const signal of signals)
        for (const { path, message } of factory?.check?.(config, signal) ?? [])
          this.#fail(['processors', id, ...(path as Path)], message)
    }
  }

  #warnUnused(section: string, components: ReadonlyMap<string, unknown>, used: ReadonlySet<string>): void {
    for (const id of components.keys()) {
      if (used.has(id)) continue
      this.warnings.push(this.#source.issueAt([section, id], 'is defined but not used; it is not started'))
    }
  }

  /** What components want of extensions. */
  #checkExtensions(
    section: string,
    components: Iterable<readonly [string, { readonly factory: Pick<Factory, 'config'>; readonly config: unknown }]>,
    used: ReadonlySet<string>,
    extensions: ReadonlyMap<string, ComponentConfig<'extension'>>,
  ): void {
    for (const [key, { factory, config }] of components) {
      if (!used.has(key)) continue
      for (const { path, id, capability } of extensionsIn(factory.config, config)) {
        const found = extensions.get(id)
        if (found && provides(found, capability)) continue
        const names = [...extensions].filter((each) => provides(each[1], capability)).map(([name]) => name)
        const problem = found
          ? `is no extension for ${CAPABILITY_NAMES[capability]}`
          : 'is not among service.extensions'
        const way = names.length > 0 ? `there: ${names.join(', ')}` : 'define one under extensions, and add it there'
        this.#fail([section, key, ...path], `extension "${id}" ${problem}${didYouMean(id, names)}; ${way}`)
      }
    }
  }

  /** Whether the value is a mapping (or absent) with none but the known keys; what is wrong is an issue. */
  #mapping(path: Path, value: unknown, known?: readonly string[]): value is Record<string, unknown> {
    if (value === undefined || value === null) return true
    if (!isMapping(value)) {
      this.#fail(path, `${JSON.stringify(value)}: expected a mapping`)
      return false
    }
    for (const key of Object.keys(value)) {
      if (!known || known.includes(key)) continue
      this.#fail([...path, key], `unknown key${didYouMean(key, known)}; known: ${known.join(', ')}`)
    }
    return true
  }

  #fail(path: Path, message: string): void {
    this.issues.push(this.#source.issueAt(path, message))
  }
}

function isSignal(text: string): text is Signal {
  return SIGNALS.some((signal) => signal === text)
}

function only<T>(components: ReadonlyMap<string, T>, ids: ReadonlySet<string>): ReadonlyMap<string, T> {
  return new Map([...components].filter(([id]) => ids.has(id)))
}

function provides({ factory, config }: ComponentConfig<'extension'>, capability: Capability): boolean {
  return factory.provides?.(config).includes(capability) === true
}
