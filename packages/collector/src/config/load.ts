/**
 * YAML → expanded → validated → frozen. All that is wrong is told at once, each with file, line, column and the way
 * out:
 *
 *     otel.yaml:14:7 exporters.otlp/jaeger.endpoint: "jaeger:99999": port out of range (1-65535)
 *
 * The language is the OpenTelemetry Collector's: sections of components by `type[/name]`, and `service.pipelines` that
 * connect them.
 */
import type { Signal } from '@spoor/otlp'
import { CollectorError, didYouMean, type Factory, type Kind } from '../component/index.ts'
import { SIGNALS } from '../otlp-protocol/services.ts'
import { entriesOf, isMapping, readComponents } from './components.ts'
import type { CollectorConfig, ComponentConfig, LogLevel, PipelineConfig } from './config.ts'
import type { Environment } from './expand.ts'
import { readSource, type ConfigIssue, type Path, type Source } from './source.ts'

export interface LoadOptions {
  /** The YAML text. */
  readonly text: string
  /** Its file's name, for errors. */
  readonly file: string
  readonly env: Environment
  readonly factories: readonly Factory[]
}

const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const
const TOP_KEYS = [...SECTIONS, 'service']
const SERVICE_KEYS = ['extensions', 'pipelines', 'telemetry']
const TELEMETRY_KEYS = ['logs', 'metrics', 'traces', 'resource']
const PIPELINE_KEYS = ['receivers', 'processors', 'exporters']
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Throws `config` with one line for everything that is wrong. */
export function loadConfig(options: LoadOptions): CollectorConfig {
  const source = readSource(options.text, options.env)
  const loader = new Loader(source, options.factories)
  const config = source.issues.length === 0 ? loader.load() : undefined
  const issues = [...source.issues, ...loader.issues].sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = (list: readonly ConfigIssue[]): string[] => list.map((issue) => format(options.file, issue))
  if (!config || issues.length > 0) throw new CollectorError('config', lines(issues).join('\n'))
  return { ...config, warnings: lines([...source.warnings, ...loader.warnings]) }
}

function format(file: string, { path, message, line, column }: ConfigIssue): string {
  const name = path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
  return `${file}:${line}:${column} ${name === '' ? '' : `${name}: `}${message}`
}

class Loader {
  readonly issues: ConfigIssue[] = []
  readonly warnings: ConfigIssue[] = []
  readonly #source: Source
  readonly #factories: readonly Factory[]

  constructor(source: Source, factories: readonly Factory[]) {
    this.#source = source
    this.#factories = factories
  }

  load(): Omit<CollectorConfig, 'warnings'> | undefined {
    const root = this.#source.value
    if (root === null)
      return this.#fail([], 'empty configuration file; it needs receivers, exporters and service.pipelines')
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
    const logLevel = this.#telemetry(service['telemetry'])
    const pipelines = this.#pipelines(service['pipelines'])
    const extensions = this.#ids(['service', 'extensions'], service['extensions'])
    // References to components whose own config is wrong are not wrong themselves.
    const idsIn = (name: keyof Names): ReadonlySet<string> => new Set(entriesOf(root[name]).map(([key]) => key.trim()))
    const names: Names = {
      receivers: idsIn('receivers'),
      processors: idsIn('processors'),
      exporters: idsIn('exporters'),
      connectors: idsIn('connectors'),
      extensions: idsIn('extensions'),
    }
    this.#checkAmbiguous(names)
    for (const [index, id] of extensions.entries()) {
      this.#checkReference(['service', 'extensions', index], 'extension', id, names.extensions)
    }
    for (const pipeline of pipelines.values()) this.#checkPipeline(pipeline, names, all)
    this.#checkConnectors(pipelines, all.connectors)
    this.#checkCycles(pipelines, names.connectors)
    const used = {
      receivers: new Set([...pipelines.values()].flatMap((pipeline) => pipeline.receivers)),
      processors: new Set([...pipelines.values()].flatMap((pipeline) => pipeline.processors)),
      exporters: new Set([...pipelines.values()].flatMap((pipeline) => pipeline.exporters)),
      connectors: new Set([...pipelines.values()].flatMap((pipeline) => pipeline.exporters)),
      extensions: new Set(extensions),
    }
    for (const name of SECTIONS) this.#warnUnused(name, all[name], used[name])
    return {
      receivers: only(all.receivers, used.receivers),
      processors: only(all.processors, used.processors),
      exporters: only(all.exporters, used.exporters),
      connectors: only(all.connectors, used.connectors),
      extensions: only(all.extensions, used.extensions),
      pipelines,
      logLevel,
    }
  }

  #components<K extends Kind>(kind: K, name: string, section: unknown): Map<string, ComponentConfig<K>> {
    return readComponents(kind, name, this.#source, section, this.#factories, {
      issue: (issue) => this.issues.push(issue),
      warning: (issue) => this.warnings.push(issue),
    })
  }

  #telemetry(input: unknown): LogLevel {
    const path = ['service', 'telemetry']
    if (input === undefined || input === null || !this.#mapping(path, input, TELEMETRY_KEYS)) return 'info'
    for (const key of ['metrics', 'traces', 'resource']) {
      if (input[key] === undefined || input[key] === null) continue
      const message = "has no effect: the collector's own figures are read from the program that runs it"
      this.warnings.push(this.#source.issueAt([...path, key], message))
    }
    const logs = input['logs']
    if (!isMapping(logs) || logs['level'] === undefined || logs['level'] === null) return 'info'
    const level = logs['level']
    if (typeof level === 'string' && isLogLevel(level.toLowerCase())) return level.toLowerCase() as LogLevel
    this.#fail([...path, 'logs', 'level'], `${JSON.stringify(level)}: not a level; use ${LOG_LEVELS.join(', ')}`)
    return 'info'
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
        receivers: this.#ids([...here, 'receivers'], stages?.['receivers']),
        processors: this.#ids([...here, 'processors'], stages?.['processors']),
        exporters: this.#ids([...here, 'exporters'], stages?.['exporters']),
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

  #checkAmbiguous(names: Names): void {
    for (const other of ['receivers', 'exporters'] as const) {
      for (const id of names.connectors) {
        if (!names[other].has(id)) continue
        const kind = other.slice(0, -1)
        this.#fail(
          ['connectors', id],
          `ambiguous ID: there is a ${kind} "${id}" too; rename one, like "${id}/connector"`,
        )
      }
    }
  }

  #checkPipeline(pipeline: PipelineConfig, names: Names, all: Components): void {
    const path = ['service', 'pipelines', pipeline.id]
    const { signal } = pipeline
    if (pipeline.receivers.length === 0) this.#fail(path, 'must have at least one receiver')
    if (pipeline.exporters.length === 0) this.#fail(path, 'must have at least one exporter')
    const check = (
      stage: 'receivers' | 'processors' | 'exporters',
      defined: ReadonlySet<string>,
      takes: (id: string) => boolean,
    ): void => {
      const kind = stage.slice(0, -1)
      for (const [index, id] of pipeline[stage].entries()) {
        const here = [...path, stage, index]
        if (!this.#checkReference(here, kind, id, defined)) continue
        if (pipeline[stage].indexOf(id) < index)
          this.#fail(here, `references ${kind} "${id}" multiple times; remove one`)
        else if (!takes(id)) this.#fail(here, `${kind} "${id}" does not support ${signal}`)
      }
    }
    const has = (component: { factory: { signals: readonly Signal[] } } | undefined): boolean =>
      component?.factory.signals.includes(signal) ?? true
    // What a connector gives is looked at with both its ends, in #checkConnectors.
    check('receivers', new Set([...names.receivers, ...names.connectors]), (id) => has(all.receivers.get(id)))
    check('processors', names.processors, (id) => has(all.processors.get(id)))
    check('exporters', new Set([...names.exporters, ...names.connectors]), (id) => has(all.exporters.get(id)))
  }

  /** A connector is the end of one pipeline and the start of another; one of the two alone loses or makes nothing. */
  #checkConnectors(
    pipelines: ReadonlyMap<string, PipelineConfig>,
    connectors: ReadonlyMap<string, ComponentConfig<'connector'>>,
  ): void {
    const all = [...pipelines.values()]
    for (const [id, { factory }] of connectors) {
      const from = all.filter((pipeline) => pipeline.exporters.includes(id))
      const to = all.filter((pipeline) => pipeline.receivers.includes(id))
      for (const pipeline of from) {
        const gives = factory.signals.get(pipeline.signal) ?? []
        if (to.some((target) => gives.includes(target.signal))) continue
        const message = `connector "${id}" used as exporter in [${pipeline.id}] pipeline but not used in any supported receiver pipeline`
        this.#fail(['service', 'pipelines', pipeline.id, 'exporters', pipeline.exporters.indexOf(id)], message)
      }
      for (const pipeline of to) {
        if (from.some((origin) => factory.signals.get(origin.signal)?.includes(pipeline.signal))) continue
        const message = `connector "${id}" used as receiver in [${pipeline.id}] pipeline but not used in any supported exporter pipeline`
        this.#fail(['service', 'pipelines', pipeline.id, 'receivers', pipeline.receivers.indexOf(id)], message)
      }
    }
  }

  /** A pipeline that feeds itself by way of connectors would never be done with a batch. */
  #checkCycles(pipelines: ReadonlyMap<string, PipelineConfig>, connectors: ReadonlySet<string>): void {
    const done = new Set<string>()
    const walk = (pipeline: PipelineConfig, way: readonly string[]): boolean => {
      const start = way.indexOf(pipeline.id)
      if (start >= 0) {
        const cycle = [...way.slice(start), pipeline.id].join(' -> ')
        const message = `cycle detected: ${cycle}; a connector must not feed the pipeline that it takes from`
        this.#fail(['service', 'pipelines', pipeline.id], message)
        return true
      }
      if (done.has(pipeline.id)) return false
      for (const id of pipeline.exporters.filter((exporter) => connectors.has(exporter))) {
        for (const next of pipelines.values()) {
          if (next.receivers.includes(id) && walk(next, [...way, pipeline.id, id])) return true
        }
      }
      done.add(pipeline.id)
      return false
    }
    for (const pipeline of pipelines.values()) if (walk(pipeline, [])) return
  }

  #checkReference(path: Path, kind: string, id: string, defined: ReadonlySet<string>): boolean {
    if (defined.has(id)) return true
    return (
      this.#fail(
        path,
        `references ${kind} "${id}" which is not configured${didYouMean(id, defined)}; define it under ${kind}s`,
      ) ?? false
    )
  }

  #warnUnused(section: string, components: ReadonlyMap<string, unknown>, used: ReadonlySet<string>): void {
    for (const id of components.keys()) {
      if (used.has(id)) continue
      this.warnings.push(this.#source.issueAt([section, id], 'is defined but not used; it is not started'))
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

  #fail(path: Path, message: string): undefined {
    this.issues.push(this.#source.issueAt(path, message))
    return undefined
  }
}

type Names = Readonly<Record<(typeof SECTIONS)[number], ReadonlySet<string>>>
type Components = Pick<CollectorConfig, (typeof SECTIONS)[number]>

function isSignal(text: string): text is Signal {
  return SIGNALS.some((signal) => signal === text)
}

function isLogLevel(text: string): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text)
}

function only<T>(components: ReadonlyMap<string, T>, ids: ReadonlySet<string>): ReadonlyMap<string, T> {
  return new Map([...components].filter(([id]) => ids.has(id)))
}
