import { setTimeout as sleep } from 'node:timers/promises'
import { createSender } from 'spoor/loadgen'
import { createNumbered, TRACES_PER_REQUEST } from './numbered.ts'

/** Requests at a time. */
const IN_FLIGHT = 8
const AGAIN_MS = 100

/** Sends numbered traces, each until it is acknowledged, whoever listens meanwhile. */
export class Sending {
  /** Traces. */
  acknowledged = 0
  /** Resolves when all are acknowledged. */
  readonly done: Promise<void>
  readonly #requests: number
  #next = 0
  #sender: ReturnType<typeof createSender>
  #address: string

  /** @param address `host:port` of OTLP over gRPC */
  constructor(address: string, traces: number) {
    this.#address = address
    this.#sender = createSender('grpc', address)
    this.#requests = Math.ceil(traces / TRACES_PER_REQUEST)
    const write = createNumbered(this.#sender.headroom)
    this.done = Promise.all(Array.from({ length: IN_FLIGHT }, () => this.#work(write))).then(() => this.#sender.close())
  }

  /** From now on to there. */
  moveTo(address: string): void {
    this.#address = address
  }

  async #work(write: (request: number) => Buffer): Promise<void> {
    while (this.#next < this.#requests) {
      const body = write(this.#next++)
      // What was not answered may have been taken: it is sent again all the same, as a sender does.
      while (!(await this.#isTaken(body))) await sleep(AGAIN_MS)
      this.acknowledged += TRACES_PER_REQUEST
    }
  }

  async #isTaken(body: Buffer): Promise<boolean> {
    const sender = this.#sender
    try {
      return (await sender.send(body)) === undefined
    } catch {
      // The connection is gone; of those that wait for it the first makes another.
      if (this.#sender === sender) this.#sender = createSender('grpc', this.#address)
      return false
    }
  }
}
