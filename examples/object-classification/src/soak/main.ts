/**
 * `npm run world:soak`: a world of its own under load for a long time, with all faults switched on and off in turn. At
 * its end Spoor is asked for all traces, and whatever is odd about one has to be of a fault that was on at that time;
 * the memory of all processes has to be flat.
 */
import { rm, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cac } from 'cac'
import { runCli } from '../service/cli.ts'
import { runningWorld } from '../world/control/ask.ts'
import type { RunningWorld } from '../world/control/ask.ts'
import { FIRST, judge } from './judge.ts'
import type { Odd, OnTime, Sent } from './judge.ts'
import { memoryUse, sampleMemory } from './memory.ts'
import type { MemorySample } from './memory.ts'
import { planFaults } from './plan.ts'
import type { PossibleFault, Slot } from './plan.ts'
import { report } from './report.ts'
import { storedTraces } from './stored.ts'
import { startWorldProcess } from './world-process.ts'
import type { WorldProcess } from './world-process.ts'

const SAMPLE_MS = 5000
/** The last spans may take so long until they are all stored, ms, and how often is looked. */
const SETTLE_MS = 90_000
const LOOK_MS = 3000
/** A clock may be wrong by so much, ms: traces are looked for around the time. */
const AROUND_MS = 60_000
const SHIPPED_WORLD = fileURLToPath(new URL('../../world.yaml', import.meta.url))

interface Flags {
  readonly minutes: number
  readonly rate: number
  readonly seed: number
  readonly models: string
  readonly world: string
  readonly faults?: string
  readonly at?: string
  readonly on: number
  readonly off: number
  readonly state: string
}

const cli = cac('npm run world:soak --')
cli
  .command('', 'A world under load, with all faults switched on and off in turn')
  .option('--minutes <n>', 'How long', { default: 30 })
  .option('--rate <per-second>', 'Requests a second', { default: 20 })
  .option('--seed <n>', 'The same faults at the same places for the same number', { default: 1 })
  .option('--models <names>', 'As for npm start', { default: 'mobilenet' })
  .option('--world <file>', 'Sites and links; none for a world without', { default: SHIPPED_WORLD })
  .option('--faults <names>', 'Only these, with commas in between')
  .option('--at <place>', 'Only at this service or link')
  .option('--on <seconds>', 'How long a fault is on', { default: 15 })
  .option('--off <seconds>', 'How long none is after it', { default: 10 })
  .option('--state <folder>', 'Emptied at the begin; traces and logs are kept there', { default: '.spoor/soak' })
  .action(run)
await runCli(cli)

async function run(flags: Flags): Promise<void> {
  for (const name of ['minutes', 'rate', 'on', 'off'] as const)
    if (!(flags[name] > 0)) throw new Error(`--${name} ${String(flags[name])}: a number above 0`)
  const { minutes, rate, seed, models } = flags
  const state = resolve(flags.state)
  await rm(state, { recursive: true, force: true })
  const place = flags.world === 'none' ? undefined : resolve(flags.world)
  const process_ = await startWorldProcess({ models, rate, world: place, state, onLine: (line) => console.log(line) })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error('stopped')))
  try {
    await process_.ready
    const world = runningWorld(process_.control)
    const about = await world.describe()
    const options = { seed, rate, totalMs: minutes * 60_000, onMs: flags.on * 1000, offMs: flags.off * 1000 }
    const plan = planFaults(chosen(about.faults, flags), options)
    if (plan.length === 0) throw new Error('there is no time for a fault: longer --minutes, or shorter --on and --off')
    const services = about.services.map(({ name }) => name)
    const begun = Date.now()
    const samples: MemorySample[] = []
    const sampling = sample(world, samples, stop.signal)
    const faults = await breakInTurn(world, process_, plan, begun, begun + options.totalMs, stop.signal)
    const ended = Date.now()
    stop.abort()
    await sampling
    console.log('\n  Looking the traces up ...')
    const sent = process_.sent.filter(({ from, to }) => from >= begun && to <= ended)
    const odd = await settled({ page: about.page, sent, faults, services, begun, ended })
    const memory = memoryUse(samples, faults, begun, ended)
    const { lines, good } = report({ page: about.page, minutes, rate, seed, sent, faults, odd, memory })
    const file = join(state, 'soak.json')
    await writeFile(file, JSON.stringify({ minutes, rate, seed, begun, ended, faults, odd, samples }))
    console.log(['', ...lines, `  Each of them, and all looks at memory: ${file}`, ''].join('\n'))
    if (!good) process.exitCode = 1
  } finally {
    await process_.stop()
  }
}

/** @throws For a name or a place that is none. */
function chosen(faults: readonly PossibleFault[], { faults: names, at }: Flags): PossibleFault[] {
  const wanted = names?.split(',').filter((name) => name !== '')
  const unknown = wanted?.find((name) => !faults.some((fault) => fault.name === name))
  if (unknown !== undefined) throw new Error(`--faults ${unknown}: one of ${faults.map(({ name }) => name).join(', ')}`)
  const here = faults.filter(({ name }) => !wanted || wanted.includes(name))
  if (at === undefined) return here
  const there = here.flatMap((fault) => (fault.at.includes(at) ? [{ ...fault, at: [at] }] : []))
  if (there.length === 0)
    throw new Error(`--at ${at}: one of ${[...new Set(here.flatMap((one) => one.at))].join(', ')}`)
  return there
}

/** Switches each on and off at its time. @returns When they were. @throws When the world has ended meanwhile. */
async function breakInTurn(
  world: RunningWorld,
  { running }: WorldProcess,
  plan: readonly Slot[],
  begun: number,
  end: number,
  signal: AbortSignal,
): Promise<OnTime[]> {
  const until = async (time: number): Promise<void> => {
    await sleep(Math.max(0, time - Date.now()), undefined, { signal })
    if (!running()) throw new Error('the world has ended')
  }
  const faults: OnTime[] = []
  for (const slot of plan) {
    const { fault, at, parameters } = slot
    await until(begun + slot.onMs)
    const from = Date.now()
    const told = Object.entries(parameters).map(([key, value]) => ` ${key} ${value}`)
    // A machine that is short of time refuses what it would take otherwise.
    const load = loadavg()[0]?.toFixed(1)
    console.log(`  ${new Date(from).toISOString().slice(11, 19)}  load ${load}  ${fault} ${at}${told.join('')}`)
    await world.switchOn(fault, at, parameters)
    await until(begun + slot.offMs)
    await world.switchOff(fault, at)
    faults.push({ fault, at, parameters, from, to: Date.now() })
  }
  await until(end)
  return faults
}

async function sample(world: RunningWorld, samples: MemorySample[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const about = await world.describe().catch(() => undefined)
    if (about) samples.push(...(await sampleMemory(about.processes)))
    await sleep(SAMPLE_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** What is odd once nothing is that no fault explains, or the last look. */
async function settled(run: {
  readonly page: string
  readonly sent: readonly Sent[]
  readonly faults: readonly OnTime[]
  readonly services: readonly string[]
  readonly begun: number
  readonly ended: number
}): Promise<readonly Odd[]> {
  const { page, sent, faults, services, begun, ended } = run
  const deadline = Date.now() + SETTLE_MS
  const own = new Set(sent.map(({ traceId }) => traceId))
  for (;;) {
    const all = await storedTraces(page, begun - AROUND_MS, ended + AROUND_MS)
    // Requests of before and after are no matter, nor is what is still under way.
    const stored = all.filter(
      ({ traceId, rootName, from, to }) => own.has(traceId) || (rootName !== FIRST && from >= begun && to <= ended),
    )
    const odd = judge(sent, stored, faults, services)
    if (odd.every(({ by }) => by !== undefined) || Date.now() > deadline) return odd
    await sleep(LOOK_MS)
  }
}
