import { setTimeout as sleep } from 'node:timers/promises'
import { SHOP_SERVICES, MARKET_SERVICES, type CorpusName } from 'spoor/loadgen'
import { createClient } from '../candidate/client.ts'
import { readBack, type SentTrace } from '../sections/backends.ts'

/** Who asks for a trace by its id, and how often each asks in vain of an idle machine. */
const BY_ID = 2
const BY_ID_PAUSE_MS = 100
/** The newest 20 of a service, by one who looks at the list. */
const LATEST_PAUSE_MS = 1_000
/** Traces of the last ones sent that are asked for, and of all since the start. */
const RECENT = 20_000
const EARLIER = 20_000

interface Earlier extends SentTrace {
  readonly minute: number
}

/** Milliseconds of the questions since they were asked for last. */
export interface Asked {
  readonly byId: readonly number[]
  readonly latest: readonly number[]
  /** Questions that were not answered with 200 and what was acknowledged; what they were told. */
  readonly failures: readonly string[]
}

/** Asks all the time for traces by id, whose spans are counted, half of them of the last minute, and for the latest of a service. */
export function startAsking(page: string, corpus: CorpusName, signal: AbortSignal) {
  const recent: SentTrace[] = []
  const earlier: Earlier[] = []
  const services = corpus === 'market' ? MARKET_SERVICES : SHOP_SERVICES
  let asked = { byId: [] as number[], latest: [] as number[], failures: [] as string[] }

  const timed = async (into: 'byId' | 'latest', ask: () => Promise<void>): Promise<void> => {
    const started = performance.now()
    try {
      await ask()
      asked[into].push(performance.now() - started)
    } catch (error) {
      asked.failures.push((error as Error).message)
    }
  }
  const byId = async (): Promise<void> => {
    const get = createClient(page)
    for (let i = 0; !signal.aborted; i++) {
      const from = i % 2 === 0 || earlier.length === 0 ? recent : earlier
      const trace = from[Math.floor(Math.random() * from.length)]
      if (trace) await timed('byId', () => readBack(get, trace))
      await sleep(BY_ID_PAUSE_MS)
    }
  }
  const latest = async (): Promise<void> => {
    const get = createClient(page)
    for (let i = 0; !signal.aborted; i++) {
      const service = encodeURIComponent(services[i % services.length]!.name)
      await timed('latest', async () => {
        const { status, body } = await get(`/api/traces?service=${service}&limit=20&lookback=30d`)
        if (status !== 200) throw new Error(`the latest of ${service} were answered with ${status}: ${body.toString()}`)
      })
      await sleep(LATEST_PAUSE_MS)
    }
  }
  const asking = [...Array.from({ length: BY_ID }, byId), latest()]

  return {
    /** What was acknowledged in a minute; what is of minutes before `oldest` may be gone, as the store keeps no more. */
    sent(traces: readonly SentTrace[], minute: number, oldest: number): void {
      const kept = earlier.filter((trace) => trace.minute >= oldest)
      earlier.splice(0, earlier.length, ...kept)
      for (const trace of recent.splice(0)) {
        const one = { ...trace, minute: minute - 1 }
        if (earlier.length < EARLIER) earlier.push(one)
        else earlier[Math.floor(Math.random() * EARLIER)] = one
      }
      const step = Math.max(1, Math.floor(traces.length / RECENT))
      for (let at = 0; at < traces.length; at += step) recent.push(traces[at]!)
    },
    take(): Asked {
      const taken = asked
      asked = { byId: [], latest: [], failures: [] }
      return taken
    },
    ended: () => Promise.all(asking),
  }
}
