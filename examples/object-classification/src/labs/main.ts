/**
 * `npm run lab -- N`: breaks a running world by lot, sends photographs through it, mends it, and asks what it was.
 * `npm run lab -- N --check service=… ms=…` checks an answer against the traces that are stored; what was drawn is kept
 * nowhere. `npm run lab -- reader` breaks it by all of them in turn, and has a program read the traces.
 */
import { cac } from 'cac'
import { runCli } from '../service/cli.ts'
import { runningWorld } from '../world/control/ask.ts'
import { LABS } from './all.ts'
import { checkAnswer } from './check.ts'
import type { Lab } from './lab.ts'
import { readRun, runLab, writeRun } from './run.ts'
import { settledSpans, spansOf } from './spans.ts'
import { tryReader } from './try-reader.ts'

interface Flags {
  readonly check?: boolean
  readonly control: string
  readonly state: string
}

const cli = cac('npm run lab --')
cli
  .command('[number] [...answer]', 'Something goes wrong; find out what from the traces')
  .usage('npm run lab -- 1; npm run lab -- 1 --check service=… ms=…')
  .option('--check', 'Checks an answer: key=value, as the lab has asked for')
  .option('--control <url>', 'Where the world is controlled', { default: 'http://127.0.0.1:5009' })
  .option('--state <folder>', 'Where it is kept which traces a lab is about (labs/)', { default: '.spoor' })
  .action(async (number: string | undefined, answer: string[], flags: Flags) => {
    const lab = LABS.find((one) => String(one.number) === number)
    if (lab && flags.check) await check(lab, answer, flags)
    else if (lab) await begin(lab, flags)
    else {
      if (number !== undefined) process.exitCode = 1
      for (const { number: known, title } of LABS) console.log(`  ${known}  ${title}`)
    }
  })
cli
  .command('reader', 'All of them in turn, and a program that is told nothing reads from the traces which it was')
  .option('--control <url>', 'Where the world is controlled', { default: 'http://127.0.0.1:5009' })
  .option('--labs <numbers>', 'Only these, with commas in between')
  .action(async ({ control, labs }: { readonly control: string; readonly labs?: string | number }) => {
    if (!(await tryReader(runningWorld(control), labs === undefined ? undefined : String(labs)))) process.exitCode = 1
  })
await runCli(cli)

async function begin(lab: Lab, { control, state }: Flags): Promise<void> {
  console.log(`\n  Lab ${lab.number}: ${lab.title}\n  ${lab.photographs} photographs, ${lab.rate} a second ...`)
  const run = await runLab(lab, runningWorld(control))
  const spans = await settledSpans(run)
  await writeRun(state, lab.number, run)
  console.log(`\n  ${lab.ask(spans)}\n`)
  console.log(`  The traces: ${run.page}/search?q=load.run.id:${run.id}`)
  console.log(`  The way:    docs/labs/${lab.number}.md\n`)
  for (const [key, what] of Object.entries(lab.answer)) console.log(`    ${key.padEnd(10)}${what}`)
  const form = Object.keys(lab.answer).map((key) => `${key}=…`)
  console.log(`\n  npm run lab -- ${lab.number} --check ${form.join(' ')}`)
}

async function check(lab: Lab, answer: readonly string[], { state }: Flags): Promise<void> {
  const run = await readRun(state, lab.number)
  const given = Object.fromEntries(
    answer.map((part) => {
      const at = part.indexOf('=')
      if (at < 1) throw new Error(`"${part}" is no part of an answer: write key=value`)
      return [part.slice(0, at), part.slice(at + 1)]
    }),
  )
  const spans = await spansOf(run)
  if (spans.length === 0)
    throw new Error(`the traces of the lab are not stored any more; begin again: npm run lab -- ${lab.number}`)
  const { right, wrong, lines } = checkAnswer(lab, run, spans, given)
  for (const line of lines) console.log(`  ${line}`)
  if (right) return
  process.exitCode = 1
  if (wrong) await writeRun(state, lab.number, { ...run, wrongAnswers: (run.wrongAnswers ?? 0) + 1 })
}
