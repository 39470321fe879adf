/**
 * Runs the simulation for as long as asked, and real processes too:
 *
 *   chaos [--minutes N] [--seed S] [--seeds COUNT] [--faults a,b,-c] [--steps K] [--processes] [--log LINES]
 *
 * `--minutes` default 1. `--seed`: the first; default: the time. `--seeds`: how many at most. `--faults`: kinds to draw from, or with a minus in front
 * kinds to leave out of the usual ones. `--steps`: things done in each run. `--processes`: kills `spoor` itself, with real files. `--log`: lines of
 * what was done that are shown of a failure, default 60. Ends with 1 when a promise was broken, and says how to see it again.
 */
import { parseArgs } from 'node:util'
import { FAULTS, type Fault } from './fault.ts'
import { killProcesses } from './processes.ts'
import { runSeed, type RunResult } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: 'Infinity' },
    faults: { type: 'string', default: '' },
    steps: { type: 'string' },
    processes: { type: 'boolean', default: false },
    log: { type: 'string', default: '60' },
  },
})
const untilMs = performance.now() + Number(values.minutes) * 60_000
const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
const steps = values.steps === undefined ? undefined : Number(values.steps)
const faults = faultsOf(values.faults)
process.exitCode = values.processes ? await killProcesses(first, untilMs) : await simulate()

async function simulate(): Promise<number> {
  console.log(`seeds from ${first}, faults: ${faults.join(' ')}`)
  let spans = 0
  let saidMs = performance.now()
  let seed = first
  for (; seed < first + Number(values.seeds) && performance.now() < untilMs; seed++) {
    const result = await run(seed, steps)
    spans += result.acknowledgedSpans
    if (result.failure) {
      await report(result)
      return 1
    }
    if (performance.now() - saidMs < 10_000) continue
    saidMs = performance.now()
    console.log(`${seed + 1 - first} runs, ${spans} spans acknowledged, all promises kept`)
  }
  console.log(`${seed - first} runs, ${spans} spans acknowledged, all promises kept`)
  return 0
}

async function report(result: RunResult): Promise<void> {
  const least = await fewestSteps(result)
  console.log(least.log.slice(-Number(values.log)).join('\n'))
  console.error(least.failure)
  const chosen = values.faults === '' ? '' : ` --faults ${values.faults}`
  console.error(`\nseed ${least.seed} breaks a promise, after ${result.seed + 1 - first} runs. To see it again:`)
  console.error(`  npm run chaos -- --seed ${least.seed} --seeds 1 --steps ${least.steps}${chosen}`)
}

/** The same run with as few steps as still fail. */
async function fewestSteps(result: RunResult): Promise<RunResult> {
  let least = result
  let passes = 0
  while (least.steps - passes > 1) {
    const tried = await run(result.seed, (least.steps + passes) >> 1)
    if (tried.failure) least = tried
    else passes = tried.steps
  }
  return least
}

function run(seed: number, steps: number | undefined): Promise<RunResult> {
  return runSeed({ seed, faults, ...(steps !== undefined && { steps }) })
}

function faultsOf(list: string): readonly Fault[] {
  const names = list.split(',').filter((name) => name !== '')
  const without = names.filter((name) => name.startsWith('-')).map((name) => name.slice(1))
  const only = names.filter((name) => !name.startsWith('-'))
  for (const name of [...only, ...without]) {
    if (!(FAULTS as readonly string[]).includes(name))
      throw new Error(`--faults: ${name} is not one of ${FAULTS.join(' ')}`)
  }
  return (only.length > 0 ? (only as Fault[]) : FAULTS).filter((fault) => !without.includes(fault))
}
