/** What paths there are in each context. */
import { RESOURCE, SCOPE } from './headers.ts'
import { attributes, type Path } from './kinds.ts'
import { LOG } from './logs.ts'
import { METRIC, POINT } from './metrics.ts'
import { OTELCOL } from './otelcol.ts'
import { EVENT, SPAN } from './spans.ts'

export type { Path } from './kinds.ts'

/** Whose paths they are: the first word of a path. */
export type Owner = 'resource' | 'scope' | 'span' | 'spanevent' | 'metric' | 'datapoint' | 'log'

/** The same, and that of what every context can see and none is about. */
export type PathOwner = Owner | 'otelcol'

export const PATHS: Readonly<Record<PathOwner, Readonly<Record<string, Path>>>> = {
  resource: RESOURCE,
  scope: SCOPE,
  span: SPAN,
  spanevent: EVENT,
  metric: METRIC,
  datapoint: POINT,
  log: LOG,
  otelcol: OTELCOL,
}

/** That of the context itself, whichever it is. */
export const CACHE: Path = attributes((item) => item.cache)

/** Paths of otelcol that nobody can read here yet. */
export const MISSING: Partial<Record<PathOwner, readonly string[]>> = {
  otelcol: ['grpc'],
  spanevent: ['event_index'],
  datapoint: 'exemplars bucket_counts explicit_bounds scale zero_count positive negative quantile_values'.split(' '),
}
