/**
 * Version 2: how the collector or one of its pipelines is, and with `verbose` each component. 200 where data is taken, 503 while it starts
 * or stops, 500 after a fatal error and for the errors that `component_health` names. JSON as the OpenTelemetry Collector's
 * `healthcheckv2`, of which `healthy` says whether the part alone would be answered with 200.
 */
import {
  aggregate,
  type ComponentOverview,
  type ComponentStatus,
  type Overview,
  type StatusEvent,
} from '../../component/index.ts'
import { refusal, type Answer } from '../../extension-helper/index.ts'
import type { ComponentHealth } from './config.ts'

const NAMES: Readonly<Record<ComponentStatus, string>> = {
  none: 'StatusNone',
  starting: 'StatusStarting',
  ok: 'StatusOK',
  recoverable_error: 'StatusRecoverableError',
  permanent_error: 'StatusPermanentError',
  fatal_error: 'StatusFatalError',
  stopping: 'StatusStopping',
  stopped: 'StatusStopped',
}

interface Health {
  readonly start_time?: string
  readonly healthy: boolean
  readonly status: string
  readonly error?: string
  readonly status_time: string
  readonly components?: Readonly<Record<string, Health>>
}

/** What is asked for: the collector, or a pipeline of it. */
interface Scope {
  readonly event: StatusEvent
  readonly components: readonly ComponentOverview[]
  /** An HTTP status. */
  readonly status: number
}

/** `pipeline`: its id; null for the whole. Undefined where there is none. */
function scopeOf(overview: Overview, pipeline: string | null, health: ComponentHealth): Scope | undefined {
  const pipelines = overview.pipelines.filter(({ id }) => pipeline === null || id === pipeline)
  if (pipeline !== null && pipelines.length === 0) return undefined
  const components = pipelines.flatMap((each) => each.components)
  const events = [...components, ...(pipeline === null ? overview.extensions : [])].map((each) => each.status)
  const event = pipeline === null ? overview.status : pipelines[0]!.status
  return { event, components, status: codeOf([event, ...events], health) }
}

/** Over gRPC: whether a pipeline, or with '' the collector, would be answered with 200; undefined where there is none. */
export function isServing(overview: Overview, health: ComponentHealth, service: string): boolean | undefined {
  const scope = scopeOf(overview, service === '' ? null : service, health)
  return scope && scope.status === 200
}

/** `query`: what is behind the `?`. */
export function answerVersion2(overview: Overview, health: ComponentHealth, query: string): Answer {
  const parameters = new URLSearchParams(query)
  const id = parameters.get('pipeline')
  const scope = scopeOf(overview, id, health)
  if (!scope) {
    const known = overview.pipelines.map((pipeline) => pipeline.id).join(', ')
    return refusal(404, `there is no pipeline ${JSON.stringify(id?.slice(0, 200))}; there are: ${known}`)
  }
  const { event, components, status } = scope
  const body: Health = {
    start_time: new Date(overview.startedAtMs).toISOString(),
    ...told(event, status === 200),
    ...(parameters.has('verbose') && {
      components: id === null ? partsOf(overview, health) : named(components, health),
    }),
  }
  return { status, contentType: 'application/json', body: JSON.stringify(body) }
}

function partsOf({ extensions, pipelines }: Overview, health: ComponentHealth): Record<string, Health> {
  const of = (event: StatusEvent, components: readonly ComponentOverview[]): Health => {
    const isHealthy = codeOf([event, ...components.map((each) => each.status)], health) === 200
    return { ...told(event, isHealthy), components: named(components, health) }
  }
  const together = aggregate(new Map(extensions.map((each) => [each.id, each.status])))
  return {
    extensions: of(together, extensions),
    ...Object.fromEntries(pipelines.map(({ id, status, components }) => [`pipeline:${id}`, of(status, components)])),
  }
}

function named(components: readonly ComponentOverview[], health: ComponentHealth): Record<string, Health> {
  return Object.fromEntries(
    components.map(({ kind, id, status }) => [`${kind}:${id}`, told(status, codeOf([status], health) === 200)]),
  )
}

function told({ status, sinceMs, message }: StatusEvent, healthy: boolean): Health {
  return {
    healthy,
    status: NAMES[status],
    ...(message !== '' && { error: message }),
    status_time: new Date(sinceMs).toISOString(),
  }
}

/** The HTTP status for what is made of parts in these statuses. */
function codeOf(events: readonly StatusEvent[], health: ComponentHealth): number {
  if (events.some(({ status }) => status === 'fatal_error')) return 500
  if (events.some(({ status }) => ['none', 'starting', 'stopping', 'stopped'].includes(status))) return 503
  const isIll = ({ status, sinceMs }: StatusEvent): boolean => {
    if (status === 'permanent_error') return health.include_permanent_errors
    const isOverdue = Date.now() - sinceMs >= health.recovery_duration
    return status === 'recoverable_error' && health.include_recoverable_errors && isOverdue
  }
  return events.some(isIll) ? 500 : 200
}

export function answerConfig(config: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(config, null, 2)}\n` }
}
