/**
 * Breaks the engine in one place at a time and sees after how many seeds the simulation notices: `mutations [--seeds N]`, default 400. Ends with 1
 * when a mutation is not found. The mutated sources are copies under `.cache` in the package.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

interface Mutation {
  readonly name: string
  readonly file: string
  /** Each text must be there once, in `file` or the one that is named. */
  readonly changes: readonly (readonly [from: string, to: string, file?: string])[]
}

const INGEST = 'local/write/ingest.ts'
const HOLDINGS = 'local/write/holdings.ts'
const SEALING = 'local/write/sealing.ts'
const SYNC = 'segment.log.dataSync((error) => this.#synced(error))'
const ACKNOWLEDGE = "this.#main.post({ type: 'durable', ids: batches.map(({ id }) => id), slabs }, slabs)"

const MUTATIONS: readonly Mutation[] = [
  { name: 'datasync removed', file: INGEST, changes: [[SYNC, 'this.#clock.after(0, () => this.#synced(null))']] },
  {
    name: 'a failed datasync taken for success',
    file: INGEST,
    changes: [[SYNC, 'segment.log.dataSync(() => this.#synced(null))']],
  },
  {
    name: 'acknowledged before the sync',
    file: INGEST,
    changes: [[SYNC, `const slabs: ArrayBuffer[] = []; ${ACKNOWLEDGE}; ${SYNC}`]],
  },
  {
    name: 'acknowledged before the readers are told',
    file: INGEST,
    changes: [
      [`    const slabs = this.#release(batches)\n    ${ACKNOWLEDGE}\n`, ''],
      [
        '    segment.logSize = logEnd\n',
        `    segment.logSize = logEnd\n    const slabs = this.#release(batches)\n    ${ACKNOWLEDGE}\n`,
      ],
    ],
  },
  {
    name: 'no directory sync when a segment is made',
    file: 'local/files/segment.ts',
    changes: [['    log.sync()\n    files.syncDirectory(directory)\n', '    log.sync()\n']],
  },
  { name: 'no truncation after a failure', file: INGEST, changes: [['segment.log.truncate(segment.logSize)', '']] },
  {
    name: 'a reader that joins is not told the open block',
    file: INGEST,
    changes: [["    yield { type: 'rows', id, rows: rowsBetween(rows, NOTHING, this.#durable) }\n", '    void rows\n']],
  },
  {
    name: 'a reader that joins is not told of stretches without an index',
    file: INGEST,
    changes: [
      [
        'this.#holdings.add(segment, [segmentChange(segment), ...this.#openChanges])',
        'this.#holdings.add(segment, [segmentChange(segment)])',
      ],
    ],
  },
  {
    name: 'a reader answers before it has joined',
    file: 'local/read/reader.ts',
    changes: [['    if (!this.#joined) {', '    if (!this.#joined && !this.#clock) {']],
  },
  {
    name: 'the outbox drops a rejection',
    file: 'local/threads/outbox.ts',
    changes: [
      ['      if (error) reject(error)\n      else resolve()', '      if (!error) resolve()\n      else void reject'],
    ],
  },
  {
    name: 'a rejection is not passed on',
    file: 'local/threads/writer-client.ts',
    changes: [
      [
        '        this.#outbox.settle(message.ids, message.slabs, fromMessage(message.error))\n',
        '        void fromMessage\n',
      ],
    ],
  },
  {
    name: 'parts that hang are not replaced',
    file: 'local/threads/supervisor.ts',
    changes: [['      if (this.#silentPings >= most) {', '      if (this.#silentPings >= most && !most) {']],
  },
  {
    name: 'a late answer of a dead writer is heard, and is an error',
    file: 'local/threads/supervisor.ts',
    changes: [
      ['      if (running !== this.#running) return\n', ''],
      [
        '      if (!waiting) continue\n',
        "      if (!waiting) throw new TypeError('no such batch')\n",
        'local/threads/outbox.ts',
      ],
    ],
  },
  {
    name: 'what is kept aside is not synced before it is cut off',
    file: 'local/files/kept.ts',
    changes: [['    file.sync()\n', '']],
  },
  {
    name: 'a damaged stretch is served as complete',
    file: 'local/read/plan.ts',
    changes: [['  if (block.damaged) turn.incomplete = true\n', '']],
  },
  {
    name: 'what the disk refuses to a reader is told as damage',
    file: 'local/read/block.ts',
    changes: [['    if (isRefusal(error)) throw wrong\n', '    void isRefusal\n']],
  },
  {
    name: 'a new writer does not take over what the one before told to fail',
    file: 'local/threads/writer-client.ts',
    changes: [['if (this.#failing.size > 0) this', 'if (this.#failing.size > 1000) this']],
  },
  {
    name: 'the readers are not told of a new segment',
    file: INGEST,
    changes: [['    this.#tellSegment(segment)\n', '']],
  },
  {
    name: 'a segment that could not be read is not tried again',
    file: HOLDINGS,
    changes: [['    this.#deleteAgain()\n    this.#tryLeftOut()\n', '    this.#deleteAgain()\n']],
  },
  {
    name: 'a beginning that was not deleted keeps its number',
    file: HOLDINGS,
    changes: [['    this.#halfMade.add(id)\n', '']],
  },
  {
    name: 'a sealed form gets its name before it is durable',
    file: 'local/seal/seal-log.ts',
    changes: [['    file.sync()\n', '']],
  },
  {
    name: 'the log goes before the name of its sealed form is durable',
    file: SEALING,
    changes: [
      [
        "      this.#sealer!.post({ type: 'sync' })\n",
        '      this.#job = undefined\n      this.#named(job)\n      this.#pump()\n',
      ],
    ],
  },
  {
    name: 'the log goes before its sealed form has its name',
    file: SEALING,
    changes: [
      [
        '      files.rename(path + NEW, path)\n',
        '      files.remove(indexPath(directory, job.id))\n      files.remove(logPath(directory, job.id))\n      files.rename(path + NEW, path)\n',
      ],
    ],
  },
  {
    name: 'the log goes before the readers have switched',
    file: 'local/threads/change-feed.ts',
    changes: [['    if (switching.readers.size > 0) return\n', '']],
  },
  {
    name: 'what a sealer had that ended is not sealed any more',
    file: SEALING,
    changes: [['    if (job) this.#died(job)\n', '    if (job) this.#job = job\n']],
  },
  {
    name: 'the last records of a log are not sealed',
    file: 'local/seal/seal-log.ts',
    changes: [['  if (records.length > 0) yield records\n', '']],
  },
  {
    name: 'for want of space a small store loses much of what it has',
    file: 'local/write/retention.ts',
    changes: [['        bytes <= PASS_SHARE * total &&\n', '']],
  },
  {
    name: 'a pass of retention takes a tenth',
    file: 'local/write/retention.ts',
    changes: [['const PASS_SHARE = 0.05', 'const PASS_SHARE = 0.1']],
  },
]

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '400' }, only: { type: 'string', default: '' } },
})
const root = join(import.meta.dirname, '../..')
const copy = join(root, '.cache/mutant')
let unseen = 0
for (const { name, file, changes } of MUTATIONS.filter(({ name }) => name.includes(values.only))) {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true })
  for (const [from, to, other = file] of changes) {
    const path = join(copy, 'src', other)
    const text = readFileSync(path, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`mutation "${name}": its place in ${other} is not there once`)
    writeFileSync(
      path,
      text.replace(from, () => to),
    )
  }
  const began = performance.now()
  const found = seedsUntilFound()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${found === undefined ? 'NOT FOUND' : `found by ${found}`} in ${seconds} s: ${name}`)
  if (found === undefined) unseen++
}
rmSync(copy, { recursive: true, force: true })
process.exitCode = unseen > 0 ? 1 : 0

function seedsUntilFound(): string | undefined {
  const args = ['--conditions=@spoor/source', join(copy, 'src/faults/chaos.ts')]
  try {
    execFileSync(process.execPath, [...args, '--seed', '1', '--seeds', values.seeds, '--minutes', '10', '--log', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return undefined
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr)
    return `${/seed (\d+) breaks/.exec(said)?.[0] ?? 'its end'} (${said.split('\n')[0]!.slice(0, 110)})`
  }
}
