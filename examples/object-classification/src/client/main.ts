/**
 * The client as a program: sends photographs at a steady rate and prints what the models see in them. Started with
 * `node --import @spoor/instrument/register client/main.js`, it is the root of every trace.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { cac } from 'cac'
import { listPhotographs } from '../photographs.ts'
import { runCli } from '../service/cli.ts'
import { sendPhotograph } from './send.ts'
import type { Classification } from './send.ts'
import { tableHeader, tableLayout, tableRow } from './table.ts'

interface Flags {
  readonly url: string
  readonly rate: number
  readonly ds_path: string
  readonly count?: number
  readonly page: string
  readonly json: boolean
}

/** Photographs that may be under way at once; when they are not answered the client waits instead of piling up. */
const MAX_UNDER_WAY = 64

const cli = cac('client')
cli
  .command('', 'Sends photographs through the services')
  .option('--url <url>', 'The preprocessing service', { default: 'http://127.0.0.1:5010' })
  .option('--rate <per-second>', 'Requests a second', { default: 1 })
  .option('--ds_path <folder>', 'The folder of photographs', { default: '.cache/photographs' })
  .option('--count <n>', 'Photographs to send, 0 for no end. Default: each photograph of the folder once')
  .option('--page <url>', "Spoor's page, for the links to the traces", { default: 'http://127.0.0.1:16686' })
  .option('--json', 'Prints one JSON object a line instead of the table', { default: false })
  .action(run)
await runCli(cli)

async function run(flags: Flags): Promise<void> {
  const { rate } = flags
  if (!(rate > 0 && rate <= 1000)) throw new Error(`--rate ${rate}: requests a second, above 0 and up to 1000`)
  const photographs = await listPhotographs(flags.ds_path)
  const count = flags.count ?? photographs.length
  if (!Number.isInteger(count) || count < 0)
    throw new Error(`--count ${flags.count}: a number of photographs, or 0 for no end`)
  const last = count === 0 ? Infinity : count
  const print = printer(flags, photographs)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const started = performance.now()
  const underWay = new Set<Promise<void>>()
  for (let sent = 0; sent < last && !stop.signal.aborted; sent++) {
    const due = started + (sent * 1000) / rate
    await sleep(Math.max(0, due - performance.now()), undefined, { signal: stop.signal }).catch(() => undefined)
    if (stop.signal.aborted) break
    if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay)
    const file = photographs[sent % photographs.length] ?? ''
    const task: Promise<void> = sendPhotograph(file, flags.url).then((classification) => {
      print(classification)
      underWay.delete(task)
    })
    underWay.add(task)
  }
  await Promise.all(underWay)
}

/** Prints a classification; one that failed makes the exit code 1. */
function printer(flags: Flags, photographs: readonly string[]): (classification: Classification) => void {
  const names = photographs.map((file) => file.split(/[\\/]/).pop() ?? file)
  const layout = tableLayout(names, process.stdout.columns ?? 160, flags.page)
  if (!flags.json) console.log(tableHeader(layout))
  return (classification) => {
    if (classification.error !== undefined) process.exitCode = 1
    console.log(flags.json ? JSON.stringify(classification) : tableRow(classification, layout))
  }
}
