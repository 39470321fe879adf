import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCollector, startJaeger, startSpoor, type Program } from '../candidate/program.ts'
import { waitUntil } from '../candidate/ready.ts'
import type { Context, Section } from '../context.ts'
import { runsOf, type Figure } from '../figure.ts'
import { together } from '../process/together.ts'
import { residentMemory } from '../process/usage.ts'

/** How long a program is left alone before its memory is read, in milliseconds. */
const IDLE_MS = 5_000

/** How long a program has the machine for itself before the next one is started, in milliseconds. */
const APART_MS = 1_000

type Start = (folder: string) => Promise<Program>

/** From the command until both its ports have acknowledged a span, and a store has answered with them; and what is held when nothing comes. */
export const start: Section = {
  name: 'start',
  title:
    'Start until spans are acknowledged on both ports and read back; idle (peers: Jaeger, OpenTelemetry Collector)',
  async run(context) {
    const { jaeger, otelcol } = context.peers.files
    const { serving } = waitUntil
    const store = await started(context, 'store', {
      spoor: (folder) => startSpoor(join(folder, 'data'), serving),
      peer: jaeger === undefined ? undefined : (folder) => startJaeger(folder, jaeger, serving),
    })
    const collector = await started(context, 'collector', {
      spoor: (folder) => startCollector(folder, { kind: 'nop' }, undefined, serving),
      peer: otelcol === undefined ? undefined : (folder) => startCollector(folder, { kind: 'nop' }, otelcol, serving),
    })
    return [
      { name: 'store, ready', unit: 'ms', ...store.ready, goal: { value: 200 } },
      { name: 'store, idle memory after 5 s', unit: 'MB', ...store.idle, goal: { value: 105 } },
      { name: 'collector, ready', unit: 'ms', ...collector.ready, goal: { value: 100 } },
      { name: 'collector, idle memory after 5 s', unit: 'MB', ...collector.idle, goal: { value: 70 } },
    ]
  },
}

type Measured = Pick<Figure, 'value' | 'runs' | 'peer'>

/** Each in turns, on an empty folder, and beside those before, which are idle; a first start of each, which fills the caches, is not counted. */
function started(
  context: Context,
  kind: string,
  sides: { readonly spoor: Start; readonly peer: Start | undefined },
): Promise<{ readonly ready: Measured; readonly idle: Measured }> {
  return together(async ({ own, folder }) => {
    const ready = { spoor: [] as number[], peer: [] as number[] }
    const idle = { spoor: [] as Promise<number>[], peer: [] as Promise<number>[] }
    for (let i = -1; i < context.size.pairs; i++) {
      for (const side of ['spoor', 'peer'] as const) {
        const begin = sides[side]
        if (!begin) continue
        context.progress(`start, ${kind}: ${side}`)
        const { pid, readyMs } = await own(begin(join(folder, `${side}${i}`)))
        if (i >= 0) {
          ready[side].push(readyMs)
          idle[side].push(sleep(IDLE_MS).then(() => residentMemory(pid) / 1e6))
        }
        await sleep(APART_MS)
      }
    }
    const measured = async (side: 'spoor' | 'peer', what: 'ready' | 'idle') =>
      runsOf(what === 'ready' ? ready[side] : await Promise.all(idle[side]))
    const both = async (what: 'ready' | 'idle'): Promise<Measured> => ({
      ...(await measured('spoor', what)),
      ...(sides.peer && { peer: await measured('peer', what) }),
    })
    return { ready: await both('ready'), idle: await both('idle') }
  })
}
