import type { StoreEvent } from '../../events.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Host, Link } from '../runtime.ts'
import type { SealerCommand, SealerReply } from './protocol.ts'
import { Supervisor } from './supervisor.ts'

/**
 * Main's side of the sealer: keeps one running, and brings it together with the writer, which alone talks to it. Nothing waits for it, and nothing but
 * sealing stops when it cannot be started.
 */
export class SealerClient {
  readonly #supervisor: Supervisor<SealerReply, SealerCommand>
  readonly #connect: () => Link | undefined

  /** `connect` tells the writer of it, and gives its end of their channel; undefined while there is no writer. */
  constructor(
    host: Host,
    settings: LocalStoreSettings,
    tell: (event: StoreEvent) => void,
    connect: () => Link | undefined,
  ) {
    this.#connect = connect
    this.#supervisor = new Supervisor(host.clock, tell, {
      part: 'sealer',
      start: () => host.start('sealer', settings),
      started: () => this.join(),
      onMessage: (message) => {
        if (message.type === 'joined') this.#supervisor.works()
      },
      lost() {},
      gaveUp() {},
    })
  }

  /** There is something to be done, perhaps not for the first time. */
  start(): void {
    this.#supervisor.start()
  }

  /** There is a writer, perhaps a new one. */
  join(): void {
    if (!this.#supervisor.isRunning) return
    const link = this.#connect()
    if (link) this.#supervisor.post({ type: 'join', link }, [link])
  }

  /** Ends it for good. Resolves when it has ended. */
  stop(): Promise<void> {
    return this.#supervisor.stop()
  }
}
