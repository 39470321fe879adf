/** Keeps what comes by at the edges of a configuration that is tried. */
import type { Edge } from '@spoor/collector'
import { joinBytes, type TelemetryBatch } from '@spoor/otlp'

export interface EdgeRecord {
  readonly edge: Edge
  /** Each batch as one request, in the order in which they came. */
  readonly requests: Uint8Array[]
  items: number
  /** When the first came, milliseconds from the start. */
  firstMs: number | undefined
  /** OTTL conditions that were true in the component behind it, with how many items. */
  readonly conditions: Map<string, number>
}

export class Recorder {
  /** What was given. */
  readonly input: Uint8Array[] = []
  readonly byId = new Map<string, EdgeRecord>()

  readonly onBatch = (edge: Edge, { chunks, items }: TelemetryBatch, nowMs: number): void => {
    const record = this.#recordOf(edge)
    // Of one chunk they would be that chunk's own, whose memory may be freed by the next stage.
    record.requests.push(joinBytes(chunks.map(({ bytes }) => bytes)).slice())
    record.items += items
    record.firstMs ??= nowMs
  }

  readonly onCondition = (edge: Edge, text: string): void => {
    const { conditions } = this.#recordOf(edge)
    conditions.set(text, (conditions.get(text) ?? 0) + 1)
  }

  at(pipeline: string, component: string): EdgeRecord | undefined {
    return this.byId.get(`${pipeline}:${component}`)
  }

  #recordOf(edge: Edge): EdgeRecord {
    let record = this.byId.get(edge.id)
    if (!record) {
      record = { edge, requests: [], items: 0, firstMs: undefined, conditions: new Map() }
      this.byId.set(edge.id, record)
    }
    return record
  }
}
