/**
 * `npm run bench`: what Spoor costs, each figure beside a rival's in the same run.
 *
 *     npm run bench -- [--only scan,forward] [--quick] [--write]
 *
 * Exit status: 0 when everything was measured, also where a goal is missed, 1 when something could not be, 2 for a
 * wrong argument.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FULL, QUICK, type Context, type Section } from './context.ts'
import type { Figure } from './figure.ts'
import { renderMarkdown, renderText, type SectionResult } from './report.ts'
import { stopAll } from './process/running.ts'
import { forward } from './sections/forward.ts'
import { ingest, type Ingested } from './sections/ingest.ts'
import { join } from './sections/join.ts'
import { page } from './sections/page.ts'
import { query } from './sections/query.ts'
import { receive } from './sections/receive.ts'
import { scan } from './sections/scan.ts'

// The queries ask what the ingest runs have stored.
let ingested: Ingested | undefined
const stored = async (context: Context): Promise<Ingested> => (ingested ??= await ingest(context))

const SECTIONS: readonly Section[] = [
  scan,
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
]

const names = SECTIONS.map((section) => section.name)
const options = readOptions()
const context: Context = {
  size: options.quick ? QUICK : FULL,
  progress: process.stderr.isTTY
    ? (text) => process.stderr.write(`\r\u001b[K${text} …`)
    : (text) => process.stderr.write(`${text}\n`),
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
if (results.some((result) => result.error)) process.exitCode = 1

async function runSection(section: Section): Promise<SectionResult> {
  try {
    const figures: readonly Figure[] = await section.run(context)
    return { title: section.title, figures }
  } catch (error) {
    return { title: section.title, figures: [], error: error instanceof Error ? error.message : String(error) }
  }
}

function readOptions(): { only: readonly string[]; quick: boolean; write: boolean } {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, quick: { type: 'boolean' }, write: { type: 'boolean' } },
    })
    const only = values.only?.split(',') ?? names
    const unknown = only.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such section`)
    if (values.write && (values.only !== undefined || values.quick)) {
      throw new Error('--write takes the results of a whole run: leave out --only and --quick')
    }
    return { only, quick: values.quick ?? false, write: values.write ?? false }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error(`usage: npm run bench -- [--only ${names.join(',')}] [--quick] [--write]`)
    return process.exit(2)
  }
}
