/**
 * The client as a program: sends photographs at a rate, prints what the models see in them, and tells at last how it
 * went. Started with `node --import @spoor/instrument/register client/main.js`, it is the root of every trace.
 */
import { randomUUID } from 'node:crypto'
import { startTracing } from '@spoor/instrument'
import { cac } from 'cac'
import { listPhotographs } from '@spoor/example-models'
import { runCli } from '../service/cli.ts'
import { readFlags } from './flags.ts'
import type { Flags } from './flags.ts'
import { sendAll } from './load.ts'
import type { LoadState } from './load.ts'
import { showProgress } from './load-progress.ts'
import { cycle } from './pace.ts'
import type { Classification } from './send.ts'
import { summaryJson, summaryLines, Tally } from './summary.ts'
import type { Run } from './summary.ts'
import { tableHeader, tableLayout, tableRow } from './table.ts'
import { countWhole } from './whole-traces.ts'
import type { WholeTraces } from './whole-traces.ts'

/** Time for the last spans to arrive, ms. */
const LOOKUP_TIMEOUT_MS = 20_000

const cli = cac('client')
cli
  .command('', 'Sends photographs through the services')
  .option('--url <url>', 'The preprocessing service, with /preprocessing or without', {
    default: 'http://127.0.0.1:5010',
  })
  .option('--rate <per-second>', 'Requests a second', { default: 1 })
  .option('--ramp <seconds>', 'Seconds in which the rate grows from nothing', { default: 0 })
  .option('--concurrency <n>', 'Photographs that may be under way at once; the next ones wait', { default: 64 })
  .option('--ds_path <folder>', 'The folder of photographs', { default: '.cache/photographs' })
  .option('-n, --count <n>', 'Photographs to send, 0 for no end. Default: each photograph of the folder once')
  .option('--seed <n>', 'Takes photographs at random, the same ones for the same number. Default: one after the other')
  .option('--device_id <name>', 'Whose photographs they are; on the first span as device.id')
  .option('--page <url>', "Spoor's page, where the traces are looked up", { default: 'http://127.0.0.1:16686' })
  .option('--no-lookup', 'Does not look up whether the traces have come back whole')
  .option('--quiet', 'Shows progress instead of a line for each photograph', { default: false })
  .option('--json', 'Prints one JSON object a line: each photograph, and at last the summary', { default: false })
  .action(run)
await runCli(cli)

async function run(flags: Flags): Promise<void> {
  const photographs = await listPhotographs(flags.ds_path)
  const settings = readFlags(flags, photographs.length)
  const id = randomUUID().slice(0, 8)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const tally = new Tally()
  const state: LoadState = { sent: 0, underWay: 0, late: 0, mostLateMs: 0 }
  const print = printer(flags, photographs)
  const progress = flags.quiet && !flags.json ? showProgress(process.stderr, settings.count, state, tally) : undefined
  const since = Date.now()
  await sendAll(
    {
      ...settings,
      files: cycle(photographs, settings.seed),
      attributes: { 'load.run.id': id, ...(flags.device_id !== undefined && { 'device.id': String(flags.device_id) }) },
      onAnswer: (classification) => {
        tally.add(classification)
        print(classification)
      },
      signal: stop.signal,
    },
    state,
  )
  const seconds = (Date.now() - since) / 1000
  progress?.end()
  if (tally.failed > 0) process.exitCode = 1
  const { page } = flags
  const traces = flags.lookup ? await lookUp({ page, run: id, since, expected: tally.expected }) : undefined
  report({ id, seconds, state, tally, page, ...(traces !== undefined && { traces }) }, flags)
}

/** Where it is traced, its own spans are sent first. */
async function lookUp(run: Parameters<typeof countWhole>[0]): Promise<WholeTraces | string> {
  if (run.expected.size > 0) await startTracing().flush()
  return countWhole(run, LOOKUP_TIMEOUT_MS)
}

/** Prints each classification, unless that is not wanted. */
function printer(flags: Flags, photographs: readonly string[]): (classification: Classification) => void {
  const names = photographs.map((file) => file.split(/[\\/]/).pop() ?? file)
  const layout = tableLayout(names, process.stdout.columns ?? 160, flags.page)
  if (!flags.json && !flags.quiet) console.log(tableHeader(layout))
  return (classification) => {
    if (flags.quiet) return
    console.log(flags.json ? JSON.stringify(classification) : tableRow(classification, layout))
  }
}

function report(result: Run, flags: Flags): void {
  if (flags.json) console.log(JSON.stringify({ summary: summaryJson(result) }))
  else console.log(['', ...summaryLines(result)].join('\n'))
}
