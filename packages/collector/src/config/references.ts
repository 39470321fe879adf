/** Whether the parts of a config fit together: references, signals, connectors with both their ends, no cycles. */
import { didYouMean, type Route } from '../component/index.ts'
import type { CollectorConfig, PipelineConfig } from './config.ts'
import type { Path } from './places.ts'

type Section = 'receivers' | 'processors' | 'exporters' | 'connectors' | 'extensions'

/** The ids that each section has, those with a wrong config among them: a reference to one is not wrong itself. */
export type Names = Readonly<Record<Section, ReadonlySet<string>>>
type Components = Pick<CollectorConfig, Section>

export class ReferenceChecker {
  readonly #names: Names
  readonly #components: Components
  readonly #fail: (path: Path, message: string) => void

  /** `fail` hears of everything that is wrong. */
  constructor(names: Names, components: Components, fail: (path: Path, message: string) => void) {
    this.#names = names
    this.#components = components
    this.#fail = fail
  }

  check(pipelines: ReadonlyMap<string, PipelineConfig>, extensions: readonly string[]): void {
    this.#checkAmbiguous()
    for (const [index, id] of extensions.entries()) {
      this.#checkReference(['service', 'extensions', index], 'extension', id, this.#names.extensions)
    }
    for (const pipeline of pipelines.values()) this.#checkPipeline(pipeline)
    this.#checkConnectors(pipelines)
    this.#checkCycles(pipelines)
  }

  #checkReference(path: Path, kind: string, id: string, defined: ReadonlySet<string>): boolean {
    if (defined.has(id)) return true
    const hint = didYouMean(id, defined)
    this.#fail(path, `references ${kind} "${id}" which is not configured${hint}; define it under ${kind}s`)
    return false
  }

  #checkAmbiguous(): void {
    const names = this.#names
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

  #checkPipeline(pipeline: PipelineConfig): void {
    const path = ['service', 'pipelines', pipeline.id]
    if (pipeline.receivers.length === 0) this.#fail(path, 'must have at least one receiver')
    if (pipeline.exporters.length === 0) this.#fail(path, 'must have at least one exporter')
    for (const stage of ['receivers', 'processors', 'exporters'] as const) {
      const kind = stage.slice(0, -1)
      const ids = this.#names[stage]
      const seen = new Set<string>()
      const defined = stage === 'processors' ? ids : new Set([...ids, ...this.#names.connectors])
      for (const [index, id] of pipeline[stage].entries()) {
        const here = [...path, stage, index]
        if (!this.#checkReference(here, kind, id, defined)) continue
        // What a connector takes and gives is looked at with both its ends.
        const signals = this.#components[stage].get(id)?.factory.signals
        if (stage === 'processors' && seen.has(id)) {
          this.#fail(here, `references ${kind} "${id}" multiple times; remove one`)
        } else if (signals && !signals.includes(pipeline.signal)) {
          this.#fail(here, `${kind} "${id}" does not support ${pipeline.signal}`)
        }
        seen.add(id)
      }
    }
  }

  /** A connector is the end of one pipeline and the start of another; one of the two alone loses or makes nothing. */
  #checkConnectors(pipelines: ReadonlyMap<string, PipelineConfig>): void {
    const all = [...pipelines.values()]
    for (const [id, { factory, config }] of this.#components.connectors) {
      const from = all.filter((pipeline) => pipeline.exporters.includes(id))
      const to = all.filter((pipeline) => pipeline.receivers.includes(id))
      if (from.length > 0) this.#checkRoutes(id, factory.routes?.(config) ?? [], from, to)
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

  /** Routes lead to pipelines that take from their connector, of the signal that it gets. */
  #checkRoutes(
    id: string,
    routes: readonly Route[],
    from: readonly PipelineConfig[],
    to: readonly PipelineConfig[],
  ): void {
    const ids = to.map((pipeline) => pipeline.id)
    for (const { pipelines, path } of routes) {
      for (const [index, name] of pipelines.entries()) {
        const here = ['connectors', id, ...path, index] as Path
        const target = to.find((pipeline) => pipeline.id === name)
        const other = target && from.find(({ signal }) => signal !== target.signal)
        if (!target) {
          const way = `write a pipeline with receivers: [${id}] for it`
          const known = ids.length > 0 ? `; there: ${ids.join(', ')}` : ''
          this.#fail(here, `no pipeline "${name}" takes from "${id}"${didYouMean(name, ids)}; ${way}${known}`)
        } else if (other) {
          const message = `"${name}" takes ${target.signal}, and [${other.id}] gives ${other.signal}; write a connector for each signal`
          this.#fail(here, message)
        }
      }
    }
  }

  /** A pipeline that feeds itself by way of connectors would never be done with a batch. */
  #checkCycles(pipelines: ReadonlyMap<string, PipelineConfig>): void {
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
      for (const id of pipeline.exporters.filter((exporter) => this.#names.connectors.has(exporter))) {
        for (const next of pipelines.values()) {
          if (next.receivers.includes(id) && walk(next, [...way, pipeline.id, id])) return true
        }
      }
      done.add(pipeline.id)
      return false
    }
    for (const pipeline of pipelines.values()) if (walk(pipeline, [])) return
  }
}
