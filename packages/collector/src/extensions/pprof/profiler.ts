/** Profiles of the main thread, as V8 takes them. Source: Chrome DevTools Protocol, domains Profiler and HeapProfiler. */
import { Session } from 'node:inspector/promises'
import { CollectorError, sleep } from '../../component/index.ts'

/** Between two samples of the CPU: a hundred a second, as Go takes them. Microseconds. */
const INTERVAL_US = 10_000
/** Of allocations one in so many bytes is a sample, as Go has it; what is sampled is kept for as long as it lives. */
const HEAP_INTERVAL_BYTES = 512 * 1024

export interface Profiler {
  /** From now on allocations are sampled. */
  start(): Promise<void>
  /** The CPU profile of the time until then, as the JSON of a `.cpuprofile`. Rejects with `overloaded` while another one is taken. */
  cpu(durationMs: number): Promise<string>
  /** What was allocated since the start and lives, as the JSON of a `.heapprofile`. */
  heap(): Promise<string>
  /** A profile that is being taken ends, and is given. */
  stop(): Promise<void>
}

export function createProfiler(): Profiler {
  const session = new Session()
  const stopping = new AbortController()
  let taking: Promise<string> | undefined

  async function take(durationMs: number): Promise<string> {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.post('Profiler.start')
    await sleep(durationMs, stopping.signal)
    const { profile } = await session.post('Profiler.stop')
    return JSON.stringify(profile)
  }

  return {
    async start() {
      session.connect()
      await session.post('HeapProfiler.enable')
      await session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES })
    },
    async cpu(durationMs) {
      if (taking) throw new CollectorError('overloaded', 'a CPU profile is being taken; come again when that is done')
      taking = take(durationMs)
      try {
        return await taking
      } finally {
        taking = undefined
      }
    },
    async heap() {
      const { profile } = await session.post('HeapProfiler.getSamplingProfile')
      return JSON.stringify(profile)
    },
    async stop() {
      stopping.abort()
      await taking?.catch(() => {})
      session.disconnect()
    },
  }
}
