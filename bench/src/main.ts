/**
 * `npm run bench`: what Spoor costs, beside the programs that users run in its place (`npm run peers`) and beside
 * rivals of our own making, in the same run.
 *
 *     npm run bench -- [--only scan,forward] [--quick] [--runs 5] [--write] [--json FILE] [--peers DIR]
 *                      [--spans 10M] [--data DIR [--fill]]
 *
 * `--spans`, `--data` and `--fill` are of the large stores: how many spans, where they are kept for the next run, and
 * that they are only made. `--json` writes all that was measured there; `--write` into `results/`, and RESULTS.md anew
 * unless the run is a quick one.
 *
 * Exit status: 0 when everything was measured, also where a goal is missed, 1 when something could not be, 2 for a
 * wrong argument.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { FULL, QUICK, type Context, type Section } from './context.ts'
import { describeMachine } from './machine.ts'
import type { Figure } from './figure.ts'
import { readOptions, USAGE, type Options } from './options.ts'
import { PEERS } from './peers/catalogue.ts'
import { findPeers } from './peers/place.ts'
import { withTable } from './readme.ts'
import { renderMarkdown, renderText, type Facts, type SectionResult } from './report.ts'
import { currentCommit, lastCommitted, recordText, worseText, writeRecord, type RunRecord } from './results.ts'
import { stopAll } from './process/running.ts'
import { answers } from './sections/answers.ts'
import { edit } from './sections/edit.ts'
import { forward } from './sections/forward.ts'
import { ingest, type Ingested } from './sections/ingest.ts'
import { instrument } from './sections/instrument.ts'
import { join } from './sections/join.ts'
import { memory } from './sections/memory.ts'
import { page } from './sections/page.ts'
import { processing } from './sections/process.ts'
import { query } from './sections/query.ts'
import { receive } from './sections/receive.ts'
import { scan } from './sections/scan.ts'
import { senders, smallRequests, smallSpans } from './sections/senders.ts'
import { start } from './sections/start.ts'
import { statements } from './sections/statements.ts'
import { steady } from './sections/steady.ts'
import { budgets } from './sections/store/budgets.ts'
import { store } from './sections/store/store.ts'

/** The peers that figures are measured beside; the others are for trying things against. */
const MEASURED = PEERS.filter(({ name }) => name === 'otelcol' || name === 'jaeger')

// The queries ask what the ingest runs have stored.
let ingested: Ingested | undefined
const stored = async (context: Context): Promise<Ingested> => (ingested ??= await ingest(context))

const SECTIONS: readonly Section[] = [
  scan,
  edit,
  statements,
  join,
  receive,
  forward,
  processing,
  senders,
  smallSpans,
  smallRequests,
  steady,
  start,
  memory,
  answers,
  {
    name: 'ingest',
    title: 'Ingest over gRPC, durable and searchable (rival: grpc-js + protobufjs + SQLite)',
    run: async (context) => (await stored(context)).figures,
  },
  {
    name: 'query',
    title: 'Query (rival: SQLite)',
    run: async (context) => query(context, await stored(context)),
  },
  page,
  instrument,
  ...(['shop', 'market'] as const).map((corpus): Section => ({
    name: `store-${corpus}`,
    title: `A large store: ${corpus}`,
    slow: true,
    run: (context) => store(context, corpus),
  })),
  ...(['shop', 'market'] as const).map((corpus): Section => ({
    name: `budgets-${corpus}`,
    title: `The budgets of a large store, half of it sealed, while spans arrive: ${corpus}`,
    onRequest: true,
    run: (context) => budgets(context, corpus),
  })),
]

const options = optionsOf(process.argv.slice(2))
const form = options.quick ? 'quick' : 'full'
const size = options.quick ? QUICK : FULL
const context: Context = {
  size: { ...size, pairs: options.runs ?? size.pairs },
  peers: findPeers(options.peers),
  store: options.store,
  progress: process.stderr.isTTY
    ? (text) => process.stderr.write(`\r\u001b[K${text} …`)
    : (text) => process.stderr.write(`${(performance.now() / 1000).toFixed(0)} s: ${text}\n`),
}

// A run that is broken off leaves no process behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopAll().then(
      () => process.exit(130),
      () => process.exit(130),
    )
  })
}

const began = { at: new Date(), commit: currentCommit(), load: os.loadavg()[0] ?? 0 }
const missing = MEASURED.filter(({ name }) => context.peers.files[name] === undefined)
for (const { title, version } of missing) {
  process.stderr.write(`${title} ${version} is not built in ${options.peers}: its column stays empty. npm run peers\n`)
}
const results: SectionResult[] = []
try {
  for (const section of SECTIONS) {
    if (isAsked(section)) results.push(await runSection(section))
  }
} finally {
  await ingested?.close()
}
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
console.log(renderText(results))

const record: RunRecord = {
  at: began.at.toISOString(),
  commit: began.commit,
  form,
  machine: Object.fromEntries(describeMachine()),
  load: { before: began.load, after: os.loadavg()[0] ?? 0 },
  minutes: (Date.now() - began.at.getTime()) / 60_000,
  peers: Object.fromEntries(
    MEASURED.filter((peer) => !missing.includes(peer)).map(({ title, version }) => [title, version]),
  ),
  results,
}
console.log(
  `\n${factsOf(record)
    .map((fact) => fact.join(': '))
    .join('; ')}`,
)
console.log(worseText(lastCommitted(form), record))
if (options.json !== undefined) writeFileSync(options.json, recordText(record))
if (options.write) {
  console.log(`written: ${writeRecord(record)}`)
  if (form === 'full') {
    writeFileSync(new URL('../RESULTS.md', import.meta.url), renderMarkdown(results, factsOf(record)))
    writeReadme(record)
  }
}
if (results.some((result) => result.error)) process.exitCode = 1

/** The short table, of the same run. Without a peer it stays as it is. */
function writeReadme(run: RunRecord): void {
  const file = new URL('../../README.md', import.meta.url)
  try {
    writeFileSync(file, withTable(readFileSync(file, 'utf8'), run))
  } catch (error) {
    console.log(`the table of README.md stays as it was: ${(error as Error).message}`)
  }
}

function isAsked({ name, slow = false, onRequest = false }: Section): boolean {
  return options.only ? options.only.includes(name) : !onRequest && !(options.quick && slow)
}

async function runSection(section: Section): Promise<SectionResult> {
  const { name, title } = section
  try {
    const figures: readonly Figure[] = await section.run(context)
    return { section: name, title, figures }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${name}: not measured: ${text}\n`)
    return { section: name, title, figures: [], error: text }
  }
}

function factsOf({ at, commit, machine, load, minutes, peers }: RunRecord): Facts {
  const versions = Object.entries(peers).map((peer) => peer.join(' '))
  return [
    ['Date', at.slice(0, 10)],
    ['Commit', commit],
    ...Object.entries(machine),
    ['Load average before and after', `${load.before.toFixed(1)}, ${load.after.toFixed(1)}`],
    ['Minutes', minutes.toFixed(0)],
    ['Peers', versions.length > 0 ? versions.join(', ') : 'none are built'],
  ]
}

function optionsOf(args: readonly string[]): Options {
  try {
    return readOptions(
      args,
      SECTIONS.map(({ name }) => name),
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error(`usage: ${USAGE}`)
    return process.exit(2)
  }
}
