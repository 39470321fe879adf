/** The faults that a world can have: where each may be, and what it can be told. */
import type { ServiceFaults } from '../../service/faults.ts'

/** A number that a fault can be told. */
export interface FaultParameter {
  readonly default: number
  readonly min: number
  readonly max: number
  /** Its unit and meaning. */
  readonly what: string
}

/** Where faults are: `link`, or a kind of service. */
export type FaultPlace = 'client' | 'preprocessing' | 'ensemble' | 'inference' | 'consumer' | 'link'

/** A fault. */
export interface FaultKind {
  readonly places: readonly FaultPlace[]
  /** One sentence: what goes wrong. */
  readonly what: string
  readonly parameters: Readonly<Record<string, FaultParameter>>
}

const SERVICES = ['preprocessing', 'ensemble', 'inference'] as const
/** Also what is asked by messages. */
const ALL = [...SERVICES, 'consumer'] as const
const percent = (what: string): FaultParameter => ({ default: 30, min: 1, max: 100, what: `% of ${what}` })
const ms = (value: number, what: string, min = 1, max = 60_000): FaultParameter => ({ default: value, min, max, what })

/** Faults of a whole process or a link; all others are inside a service. */
export const WORLD_FAULTS = {
  wrong_service_name: {
    places: ALL,
    what: 'The service says that it is another one, as with a copied deployment file. It is started anew.',
    parameters: {},
  },
  service_down: {
    places: ['inference', 'consumer'],
    what: 'The service is not there. The ensemble goes on with the other models and says so; without the consumer, results wait in the queue.',
    parameters: {},
  },
  dropped_link: {
    places: ['link'],
    what: 'The link is cut, as if its cable were drawn: nothing arrives, and nobody is told.',
    parameters: {},
  },
  slow_link: {
    places: ['link'],
    what: 'The link takes longer, each way.',
    parameters: { ms: ms(150, 'ms more, each way') },
  },
} as const satisfies Record<string, FaultKind>

/** Faults inside a service. */
const SERVICE_FAULTS: Readonly<Record<keyof ServiceFaults, FaultKind>> = {
  slow_model: { places: ['inference'], what: 'The model takes longer.', parameters: { ms: ms(600, 'ms more') } },
  errors: {
    places: SERVICES,
    what: 'The service answers a share of its requests with 500.',
    parameters: { percent: percent('its requests') },
  },
  retry_storm: {
    places: ['ensemble'],
    what: 'A model that does not answer at once is asked again and again, and works on all that it was asked.',
    parameters: {
      timeout_ms: ms(40, 'ms that are waited for an answer'),
      retries: { default: 3, min: 1, max: 10, what: 'times more' },
    },
  },
  lost_context: {
    places: ALL,
    what: 'The service does not read who calls it, or whose message it is: what follows is a trace of its own.',
    parameters: {},
  },
  skewed_clock: {
    places: ['client', ...ALL],
    what: 'The clock of the service is wrong.',
    parameters: { ms: { default: 4000, min: -3_600_000, max: 3_600_000, what: 'ms ahead; below 0 behind' } },
  },
  saturated_queue: {
    places: ['inference'],
    what: 'Other images are always ahead in the line of the model.',
    parameters: {
      images: { default: 4, min: 1, max: 31, what: 'images ahead' },
      ms: ms(120, 'ms each'),
    },
  },
  bad_images: {
    places: ['client'],
    what: 'A share of what the client sends is no image: half of one, or an error page.',
    parameters: { percent: percent('photographs') },
  },
  cold_start: {
    places: ['inference'],
    what: 'The model is let go when nobody has asked for a while, and loaded for who asks next.',
    parameters: { idle_ms: ms(1000, 'ms without a request') },
  },
  poison_message: {
    places: ['ensemble'],
    what: 'A share of results is sent with a label that the database can never store: tried again and again, then put aside.',
    parameters: { percent: percent('its results') },
  },
  slow_consumer: {
    places: ['consumer'],
    what: 'Each result takes the consumer longer: the queue before it fills, and all that comes later waits.',
    parameters: { ms: ms(500, 'ms more for each') },
  },
  memory_pressure: {
    places: ['client', ...ALL],
    what: 'The service holds and replaces much memory: the collector of garbage stops it again and again.',
    parameters: { mb: { default: 400, min: 16, max: 4096, what: 'MB' } },
  },
}

export type FaultName = keyof typeof WORLD_FAULTS | keyof ServiceFaults

/** All of them by name. */
export const FAULTS: Readonly<Record<FaultName, FaultKind>> = { ...SERVICE_FAULTS, ...WORLD_FAULTS }

/** What kind of place a service or a link is. */
export function placeOf(target: string, isLink: boolean): FaultPlace {
  if (isLink) return 'link'
  return target.startsWith('inference-') ? 'inference' : (target as FaultPlace)
}
