import { createRandom, SHOP_SERVICES, type Random } from 'spoor/loadgen'
import { createClient, type Get } from '../candidate/client.ts'
import type { Section } from '../context.ts'
import { median, percentile, runsOf, type Figure } from '../figure.ts'
import { measure } from '../measure.ts'
import { timed } from '../process/timed.ts'
import { together } from '../process/together.ts'
import { loadBackends, readBack, startBackends, type Backend, type SentTrace } from './backends.ts'

/** Traces of one answer to a search. */
const LATEST = 20

/** A question, and whether its answer was right. */
interface Kind {
  readonly name: string
  readonly ask: (get: Get, random: Random, traces: readonly SentTrace[]) => Promise<void>
}

const KINDS: readonly Kind[] = [
  { name: 'a trace by id', ask: (get, random, traces) => readBack(get, random.pick(traces)) },
  {
    name: `${LATEST} traces of a service`,
    async ask(get, random) {
      const service = random.pick(SHOP_SERVICES).name
      const { status, body } = await get(`/api/traces?service=${service}&limit=${LATEST}&lookback=2d`)
      const { data } = JSON.parse(body.toString()) as { data?: readonly { traceID: string }[] }
      const found = new Set((data ?? []).map(({ traceID }) => traceID)).size
      if (status !== 200 || found !== LATEST) throw new Error(`${service}: ${status} with ${found} traces`)
    },
  },
]

/** How long the answers of Jaeger's API take, of the same spans, while nothing else is done. */
export const answers: Section = {
  name: 'answers',
  title: "Answers of Jaeger's API, at rest (peer: Jaeger, memory store)",
  async run(context) {
    return together(async (belongings) => {
      const { size } = context
      const backends = await startBackends(context, belongings)
      const { load, subjects, wholeTraces } = await loadBackends(context, belongings, backends, 'shop')
      const sized = { ...context, size: { ...size, spans: size.memorySpans } }
      const filled: (Backend & { readonly get: Get; readonly traces: readonly SentTrace[] })[] = []
      for (const [at, subject] of subjects('answers, filling', 4).entries()) {
        const { result } = await measure(sized, load, subject)
        await subject.rested?.()
        const backend = backends[at]!
        filled.push({ ...backend, get: createClient(backend.program.page), traces: wholeTraces(result) })
      }
      const figures: Figure[] = []
      for (const { name, ask } of KINDS) {
        const medians = { spoor: [] as number[], peer: [] as number[] }
        const p95s = { spoor: [] as number[], peer: [] as number[] }
        // The first round is a warm-up.
        for (let round = 0; round <= size.pairs; round++) {
          for (const { side, get, traces } of filled) {
            context.progress(`answers, ${name}: ${side}`)
            const random = createRandom(round)
            const times: number[] = []
            for (let i = 0; i < size.queries; i++) times.push((await timed(() => ask(get, random, traces))).ms)
            if (round === 0) continue
            medians[side].push(median(times))
            p95s[side].push(percentile(times, 95))
          }
        }
        for (const [what, times] of Object.entries({ median: medians, p95: p95s })) {
          const peer = times.peer.length > 0 ? { peer: runsOf(times.peer) } : {}
          const note = `${(size.memorySpans / 1e6).toFixed(1)} M spans`
          figures.push({ name: `${name}, ${what}`, unit: 'ms', ...runsOf(times.spoor), ...peer, note })
        }
      }
      return figures
    })
  },
}
