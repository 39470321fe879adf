/**
 * PGlite: PostgreSQL in this process, with a folder of files. A new database takes seconds of CPU and half a gigabyte
 * for a moment; so one is made once, by a process of its own and of low priority, kept as a template, and copied.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { constants, getPriority, setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import type { Connection, Row } from './database.ts'

/** Pages that are kept in memory. PostgreSQL's own 128 MB would be twice what all the rest takes. */
const CONFIGURATION = ['shared_buffers=2MB', 'max_connections=2', 'wal_buffers=1MB']
/** What only a folder with a database has. */
const MARK = 'PG_VERSION'

/** Opens the database in the folder, or makes it. */
export async function openPglite(folder: string): Promise<Connection> {
  if (!existsSync(join(folder, MARK))) await copyTemplate(folder)
  const database = await openFolder(folder)
  return {
    place: { 'db.namespace': 'postgres' },
    query: async (text, values = []) => (await database.query<Row>(text, [...values])).rows,
    close: () => database.close(),
  }
}

/** PGlite on a folder. */
export function openFolder(folder: string): Promise<PGlite> {
  return PGlite.create(folder, { postgresqlconf: CONFIGURATION })
}

/** A half-made folder never has the name that is looked for. */
async function copyTemplate(folder: string): Promise<void> {
  const template = await templateFolder()
  const half = `${folder}.${process.pid}.new`
  await mkdir(dirname(folder), { recursive: true })
  await cp(template, half, { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await rename(half, folder)
}

/** The template of this version of PGlite, in `SPOOR_CACHE` or `.cache`. */
async function templateFolder(): Promise<string> {
  const cache = process.env['SPOOR_CACHE'] ?? '.cache'
  const template = join(cache, `database-${await pgliteVersion()}`)
  if (existsSync(join(template, MARK))) return template
  const half = `${template}.${process.pid}.new`
  await mkdir(cache, { recursive: true })
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const child = fork(fileURLToPath(new URL(`./template/main.${extension}`, import.meta.url)), [half], {
    // Without tracing, whoever started this process with it.
    env: { ...process.env, OTEL_SDK_DISABLED: 'true', SPOOR_QUIET: '1' },
    execArgv: process.execArgv.filter((argument) => argument.startsWith('--conditions')),
  })
  // Not above this process, where that gives way already: only root may raise a priority.
  if (child.pid !== undefined) setPriority(child.pid, Math.max(constants.priority.PRIORITY_LOW, getPriority()))
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`a database could not be made in ${half}`)
  // Another process may have been faster.
  await rename(half, template).catch(() => rm(half, { recursive: true, force: true }))
  return template
}

async function pgliteVersion(): Promise<string> {
  const file = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version
}
