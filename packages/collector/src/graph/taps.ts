/**
 * Where somebody can look at what goes through the graph: in front of each processor and exporter of each pipeline. While nobody looks, a
 * batch passes with one comparison.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import type { CollectorConfig } from '../config/index.ts'
import type { Consumer, Edge } from '../component/index.ts'

/** Sees a batch that is handed on; must be done with its bytes when it returns, and must not throw. */
type Look = (batch: TelemetryBatch) => void

class Tap {
  #looks: Look[] | undefined
  /** The same one for the same consumer, by which a reload sees that nothing has changed. */
  readonly #fronts = new WeakMap<Consumer, Consumer>()

  inFrontOf(consumer: Consumer): Consumer {
    let front = this.#fronts.get(consumer)
    if (!front) {
      front = {
        durable: consumer.durable === true,
        get releases() {
          return consumer.releases === true
        },
        consume: (batch, context) => {
          if (this.#looks !== undefined) for (const look of this.#looks) look(batch)
          return consumer.consume(batch, context)
        },
      }
      this.#fronts.set(consumer, front)
    }
    return front
  }

  open(look: Look): () => void {
    this.#looks = [...(this.#looks ?? []), look]
    return () => {
      const others = this.#looks?.filter((each) => each !== look) ?? []
      this.#looks = others.length > 0 ? others : undefined
    }
  }
}

/** The taps of a graph by pipeline and component, made when they are first asked for; they outlive a reload. */
export class Taps {
  readonly #taps = new Map<string, Tap>()

  at(pipeline: string, component: string): Tap {
    const id = idOf(pipeline, component)
    let tap = this.#taps.get(id)
    if (!tap) this.#taps.set(id, (tap = new Tap()))
    return tap
  }

  /** Undefined where there is no such edge. Gives what ends the look. */
  open(id: string, look: Look): (() => void) | undefined {
    return this.#taps.get(id)?.open(look)
  }
}

const idOf = (pipeline: string, component: string): string => `${pipeline}:${component}`

/** The edges of a config, in the order of its pipelines and down each. */
export function edgesOf({ pipelines }: CollectorConfig): readonly Edge[] {
  return [...pipelines.values()].flatMap(({ id: pipeline, signal, receivers, processors, exporters }) => {
    const stages = [receivers, ...processors.map((id) => [id]), exporters]
    return stages
      .slice(1)
      .flatMap((to, index) =>
        to.map((id) => ({ id: idOf(pipeline, id), pipeline, signal, from: stages[index] ?? [], to: id })),
      )
  })
}
