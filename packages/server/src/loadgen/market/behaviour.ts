/**
 * What an operation of a service does, as data: steps that become spans when it is run. Texts may hold `{product}`,
 * `{order}`, `{user}`, `{session}`, `{query}` and `{number}`, which stand for the trace's own values.
 */
export interface Operation {
  readonly service: string
  /** Name of its server, consumer or internal span: `GET /v1/carts/{user}` without the values, `Inventory/Reserve`. */
  readonly name: string
  readonly entry: Entry
  readonly steps: readonly Step[]
}

export type Entry =
  | { readonly protocol: 'http'; readonly method: string; readonly route: string }
  | { readonly protocol: 'grpc' }
  /** `batch`: takes messages of several traces at a time, in a trace of its own that links to theirs. */
  | { readonly protocol: 'message'; readonly system: Messaging; readonly topic: string; readonly batch: boolean }
  | { readonly protocol: 'page' | 'job' }

export type Messaging = 'kafka' | 'rabbitmq' | 'aws_sqs'

export type Step =
  | { readonly do: 'work'; readonly name: string; readonly ms: number; readonly steps: readonly Step[] }
  /** `attempts`: how often it is tried when it fails. */
  | { readonly do: 'call'; readonly service: string; readonly name: string; readonly attempts: number }
  | {
      readonly do: 'external'
      readonly host: string
      readonly method: string
      readonly path: string
      readonly ms: number
    }
  | { readonly do: 'query'; readonly system: Database; readonly collection: string; readonly text: string }
  | { readonly do: 'publish'; readonly system: Messaging; readonly topic: string }
  | { readonly do: 'model'; readonly operation: ModelOperation; readonly model: string }
  | { readonly do: 'event'; readonly name: string; readonly text: string }
  | { readonly do: 'parallel'; readonly steps: readonly Step[] }
  | { readonly do: 'maybe'; readonly chance: number; readonly step: Step }
  /** `typical` times, and now and then up to `most` times: a Pareto distribution. */
  | { readonly do: 'each'; readonly typical: number; readonly most: number; readonly step: Step }

export type Database = 'postgresql' | 'mysql' | 'redis' | 'mongodb' | 'elasticsearch'
export type ModelOperation = 'chat' | 'embeddings' | 'execute_tool'

/** An operation behind an HTTP route, `:product` and the like standing for values. */
export const http = (service: string, method: string, route: string, ...steps: Step[]): Operation => ({
  service,
  name: `${method} ${route}`,
  entry: { protocol: 'http', method, route },
  steps,
})

export const rpc = (service: string, name: string, ...steps: Step[]): Operation => ({
  service,
  name,
  entry: { protocol: 'grpc' },
  steps,
})

export const consumer = (service: string, system: Messaging, topic: string, ...steps: Step[]): Operation => ({
  service,
  name: `process ${topic}`,
  entry: { protocol: 'message', system, topic, batch: false },
  steps,
})

export const batchConsumer = (service: string, system: Messaging, topic: string, ...steps: Step[]): Operation => ({
  ...consumer(service, system, topic, ...steps),
  entry: { protocol: 'message', system, topic, batch: true },
})

export const page = (service: string, name: string, ...steps: Step[]): Operation => ({
  service,
  name,
  entry: { protocol: 'page' },
  steps,
})

export const job = (service: string, name: string, ...steps: Step[]): Operation => ({
  service,
  name,
  entry: { protocol: 'job' },
  steps,
})

export const work = (name: string, ms: number, ...steps: Step[]): Step => ({ do: 'work', name, ms, steps })
export const call = (service: string, name: string, attempts = 1): Step => ({ do: 'call', service, name, attempts })
export const external = (host: string, method: string, path: string, ms: number): Step => ({
  do: 'external',
  host,
  method,
  path,
  ms,
})
export const query = (system: Database, collection: string, text: string): Step => ({
  do: 'query',
  system,
  collection,
  text,
})
export const sql = (table: string, text: string): Step => query('postgresql', table, text)
export const cache = (text: string): Step => query('redis', '', text)
export const publish = (system: Messaging, topic: string): Step => ({ do: 'publish', system, topic })
export const model = (operation: ModelOperation, name: string): Step => ({ do: 'model', operation, model: name })
export const event = (name: string, text: string): Step => ({ do: 'event', name, text })
export const parallel = (...steps: Step[]): Step => ({ do: 'parallel', steps })
export const maybe = (chance: number, step: Step): Step => ({ do: 'maybe', chance, step })
export const each = (typical: number, most: number, step: Step): Step => ({ do: 'each', typical, most, step })
