import { FAULTS, type Fault } from './fault.ts'
import { Random } from './random.ts'
import { Scenario } from './scenario.ts'
import { SimulatedMachine } from './simulated-machine.ts'

export interface RunOptions {
  readonly seed: number
  readonly faults?: readonly Fault[]
  /** Things that are done: appends, queries, faults. Default: drawn from the seed, 5 to 50. */
  readonly steps?: number
  /** The disk says of every fdatasync that it is done, and it is not. Only to see that the simulation notices. */
  readonly syncLies?: boolean
}

export interface RunResult {
  readonly seed: number
  /** Undefined: all promises held. */
  readonly failure: Error | undefined
  readonly steps: number
  readonly acknowledgedSpans: number
  readonly simulatedMs: number
  readonly events: number
  /** What was done, for who looks into a failure. */
  readonly log: readonly string[]
}

const MAX_EVENTS = 400_000

/** Runs one seed: a store under random work and faults, beside an oracle. */
export async function runSeed({ seed, faults = FAULTS, steps, syncLies = false }: RunOptions): Promise<RunResult> {
  const machine = new SimulatedMachine(seed)
  machine.disk.syncLies = syncLies
  const scenario = new Scenario(machine, new Random(seed ^ 0x1234567), faults, steps)
  let failure: Error | undefined
  try {
    await machine.run(Promise.race([scenario.run(), scenario.failed]), MAX_EVENTS)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  }
  const { acknowledgedSpans } = scenario.oracle
  return {
    seed,
    failure,
    steps: scenario.steps,
    acknowledgedSpans,
    simulatedMs: machine.nowMs,
    events: machine.events,
    log: machine.log,
  }
}
