/** Each lab in turn on a running world, in an order by lot: a reader who has the traces alone says what it was. */
import { randomInt } from 'node:crypto'
import type { RunningWorld } from '../world/control/ask.ts'
import { LABS } from './all.ts'
import type { Drawn, Lab } from './lab.ts'
import { readFault } from './reader.ts'
import type { Reading } from './reader.ts'
import { runLab } from './run.ts'
import { settledSpans } from './spans.ts'
import type { LabSpan } from './spans.ts'

/** Runs them, and prints what was drawn and what was read. @returns Whether all was read right, and nothing where nothing was. */
export async function tryReader(world: RunningWorld, only?: string): Promise<boolean> {
  const { links } = await world.describe()
  const wanted = only?.split(',')
  const labs = LABS.filter(({ number }) => !wanted || wanted.includes(String(number)))
  const order = labs.map((lab) => ({ lab, by: randomInt(1_000_000) })).sort((a, b) => a.by - b.by)
  let good = 0
  let all = 0
  console.log('  Photographs while nothing is broken ...')
  const usual = await settledSpans(await runLab(quiet(labs), world))
  for (const { lab } of [{ lab: quiet(labs) }, ...order]) {
    if (lab.needsLinks && links.length === 0) {
      console.log(`  -  ${lab.number}: needs a world with links`)
      continue
    }
    all++
    if (await tryOne(lab, world, usual)) good++
  }
  console.log(`\n  ${good} of ${all} were read right from the traces alone.`)
  return good === all
}

/** Photographs with nothing broken: whoever always finds something is no reader. */
function quiet(labs: readonly Lab[]): Lab {
  const [lab] = labs
  if (!lab) throw new Error('there is no such lab')
  return { ...lab, number: 0, photographs: 10, rate: 1, draw: () => ({ fault: 'slow_model', at: '', parameters: {} }) }
}

async function tryOne(lab: Lab, world: RunningWorld, usual: readonly LabSpan[]): Promise<boolean> {
  let drawn: Drawn | undefined
  const run = await runLab(
    {
      ...lab,
      draw: (places, pick) => (drawn = lab.draw(places, pick)),
    },
    world,
  )
  const spans = await settledSpans(run)
  const read = readFault(spans, usual)
  const isRight = drawn?.at === '' ? read === undefined : read?.fault === drawn?.fault && read?.at === drawn?.at
  const keyIsRight = !drawn || answersHold(lab, drawn, await placesOf(world), spans)
  const key = keyIsRight ? '' : '   the answer key says something else'
  console.log(
    `  ${isRight && keyIsRight ? '✓' : '✗'}  ${String(lab.number).padStart(2)}  was ${text(drawn).padEnd(42)} read ${text(read)}${key}`,
  )
  return isRight && keyIsRight
}

async function placesOf(world: RunningWorld): Promise<string[]> {
  const { services, links } = await world.describe()
  return [...services, ...links].map(({ name }) => name)
}

/** The key of the lab takes the place that was drawn, and no other. */
function answersHold(lab: Lab, { at }: Drawn, places: readonly string[], spans: readonly LabSpan[]): boolean {
  const solution = lab.solve(spans)
  const isRight = solution['service'] ?? solution['link']
  if (!isRight || at === '') return true
  return places.every((place) => isRight(place) === (place === at))
}

function text(what: Reading | Drawn | undefined): string {
  return what === undefined || what.at === '' ? 'nothing' : `${what.fault} ${what.at}`
}
