import { SHOP_SERVICES } from 'spoor/loadgen'
import { createClient } from '../candidate/client.ts'
import type { Section } from '../context.ts'
import { runsOf } from '../figure.ts'
import { quiet } from '../measure.ts'
import { together } from '../process/together.ts'
import { peakMemory } from '../process/usage.ts'
import type { LoadResult } from '../workload/load.ts'
import { loadBackends, startBackends, type Backend } from './backends.ts'

/** Those that ask, each one question after the other. */
const ASKERS = 2

/** The most that a store holds while spans come as fast as it takes them, and it is asked for traces over Jaeger's API. */
export const memory: Section = {
  name: 'memory',
  title: 'Memory of ingest with searches beside it (peer: Jaeger, memory store)',
  async run(context) {
    const peaks = { spoor: [] as number[], peer: [] as number[] }
    // Memory has no noise worth five runs of a million spans: three.
    for (let i = 0; i < Math.min(context.size.pairs, 3); i++) {
      await together(async (belongings) => {
        const backends = await startBackends(context, belongings)
        const { load, subjects } = await loadBackends(context, belongings, backends, 'shop')
        for (const [at, { order, pid, name }] of subjects('memory', 4).entries()) {
          const backend = backends[at]!
          context.progress(name)
          const sending = load.call<LoadResult>('load', { ...order, spans: context.size.memorySpans, maxMs: 300_000 })
          await askUntil(sending, backend)
          await quiet(pid)
          peaks[backend.side].push(peakMemory(pid) / 1e6)
        }
      })
    }
    const note = `${(context.size.memorySpans / 1e6).toFixed(1)} M spans, 4 senders, ${ASKERS} askers`
    const peer = peaks.peer.length > 0 ? { peer: runsOf(peaks.peer) } : {}
    return [{ name: 'peak', unit: 'MB', ...runsOf(peaks.spoor), ...peer, goal: { value: 400 }, note }]
  },
}

async function askUntil(sending: Promise<unknown>, { program }: Backend): Promise<void> {
  const over = new AbortController()
  const end = () => over.abort()
  sending.then(end, end)
  const ask = async (_: unknown, first: number): Promise<void> => {
    const get = createClient(program.page)
    for (let i = first; !over.signal.aborted; i += ASKERS) {
      const service = SHOP_SERVICES[i % SHOP_SERVICES.length]!.name
      const { status, body } = await get(`/api/traces?service=${service}&limit=20&lookback=2d`)
      if (status !== 200) throw new Error(`a search beside ingest was answered ${status}: ${body.toString()}`)
    }
  }
  await Promise.all([sending, ...Array.from({ length: ASKERS }, ask)])
}
