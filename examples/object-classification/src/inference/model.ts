/** The model of a service, which is in memory as long as the service runs; or comes when it is needed. */
import { withSpan } from '@spoor/instrument'
import { fault, onFaults } from '../service/faults.ts'
import { openModelSession } from './session.ts'
import type { ModelSession } from './session.ts'

/** A model that can be run whether it is loaded or not. */
export interface HeldModel extends ModelSession {
  loaded(): boolean
}

/** Loads an ONNX file. Runs come one after the other. @throws As {@link openModelSession}. */
export async function holdModel(file: string): Promise<HeldModel> {
  let session: ModelSession | undefined = await openModelSession(file)
  const { side } = session
  let idle: NodeJS.Timeout | undefined
  let running = false

  async function letGo(): Promise<void> {
    const held = session
    session = undefined
    await held?.close()
  }
  function waitForIdle(): void {
    clearTimeout(idle)
    const cold = fault('cold_start')
    if (cold && !running) idle = setTimeout(() => void letGo(), cold.idle_ms).unref()
  }
  const forget = onFaults(waitForIdle)

  return {
    side,
    loaded: () => session !== undefined,
    async run(pixels) {
      clearTimeout(idle)
      running = true
      try {
        session ??= await withSpan('load the model', () => openModelSession(file))
        return await session.run(pixels)
      } finally {
        running = false
        waitForIdle()
      }
    },
    async close() {
      forget()
      clearTimeout(idle)
      await letGo()
    },
  }
}
