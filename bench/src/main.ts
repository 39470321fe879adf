/**
 * `npm run bench`: what Spoor costs, each figure beside a rival's in the same run.
 *
 *     npm run bench -- [--only scan,forward] [--quick] [--write] [--json FILE]
 *                      [--spans 10M] [--data DIR [--fill]]
 *
 * `--spans`, `--data` and `--fill` are of the large stores: how many spans, where they are kept for the next run, and
 * that they are only made. `--json` writes the figures there too.
 *
 * Exit status: 0 when everything was measured, also where a goal is missed, 1 when something could not be, 2 for a
 * wrong argument.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FULL, QUICK, type Context, type Section, type StoreOptions } from './context.ts'
import { describeMachine } from './machine.ts'
import type { Figure } from './figure.ts'
import { renderMarkdown, renderText, type SectionResult } from './report.ts'
import { stopAll } from './process/running.ts'
import { edit } from './sections/edit.ts'
import { forward } from './sections/forward.ts'
import { ingest, type Ingested } from './sections/ingest.ts'
import { join } from './sections/join.ts'
import { page } from './sections/page.ts'
import { query } from './sections/query.ts'
import { receive } from './sections/receive.ts'
import { scan } from './sections/scan.ts'
import { statements } from './sections/statements.ts'
import { store } from './sections/store/store.ts'
import { CORPUS_NAMES } from './workload/named.ts'

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
  ...CORPUS_NAMES.map((corpus): Section => ({
    name: `store-${corpus}`,
    title: `A large store: ${corpus}`,
    run: (context) => store(context, corpus),
  })),
]

const names = SECTIONS.map((section) => section.name)
const options = readOptions()
const context: Context = {
  size: options.quick ? QUICK : FULL,
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

const results: SectionResult[] = []
try {
  for (const section of SECTIONS) {
    if (!options.only.includes(section.name)) continue
    results.push(await runSection(section))
  }
} finally {
  await ingested?.close()
}
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
console.log(renderText(results))
if (options.write) writeFileSync(new URL('../RESULTS.md', import.meta.url), renderMarkdown(results, new Date()))
if (options.json !== undefined) {
  const machine = Object.fromEntries(describeMachine())
  writeFileSync(options.json, `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`)
}
if (results.some((result) => result.error)) process.exitCode = 1

async function runSection(section: Section): Promise<SectionResult> {
  try {
    const figures: readonly Figure[] = await section.run(context)
    return { title: section.title, figures }
  } catch (error) {
    return { title: section.title, figures: [], error: error instanceof Error ? error.message : String(error) }
  }
}

interface Options {
  readonly only: readonly string[]
  readonly quick: boolean
  readonly write: boolean
  readonly json: string | undefined
  readonly store: StoreOptions
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        json: { type: 'string' },
        spans: { type: 'string', default: '1M' },
        data: { type: 'string' },
        fill: { type: 'boolean', default: false },
      },
    })
    const only = values.only?.split(',') ?? names
    const unknown = only.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such section`)
    if (values.write && (values.only !== undefined || values.quick)) {
      throw new Error('--write takes the results of a whole run: leave out --only and --quick')
    }
    if (values.fill && values.data === undefined) throw new Error('--fill needs a place: --data DIR')
    const store = { spans: readSpans(values.spans), folder: values.data && resolve(values.data), fillOnly: values.fill }
    return { only, quick: values.quick, write: values.write, json: values.json, store }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error(
      `usage: npm run bench -- [--only ${names.join(',')}] [--quick] [--write] [--json FILE] [--spans N] [--data DIR [--fill]]`,
    )
    return process.exit(2)
  }
}

/** `300000`, `300k` or `10M`. */
function readSpans(text: string): number {
  const [, digits, unit = ''] = /^(\d+)([kM]?)$/.exec(text) ?? []
  if (digits === undefined) throw new Error(`--spans ${text}: not a number of spans, as 300k or 10M`)
  return Number(digits) * ({ k: 1e3, M: 1e6 }[unit] ?? 1)
}
