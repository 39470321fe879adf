import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noiseOf, numberText, peerRatioOf, rivalRatioOf, worseBy, type Figure } from './figure.ts'
import type { SectionResult } from './report.ts'

/** Where the results of whole runs are kept: `<day>-<commit>[-quick].json`. */
export const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

/** All that a run has measured, as it is kept. */
export interface RunRecord {
  /** When it began, ISO 8601. */
  readonly at: string
  /** What was measured: the commit, with `+` behind it when the work tree had changes. */
  readonly commit: string
  readonly form: 'full' | 'quick'
  readonly machine: Readonly<{ [what: string]: string }>
  /** The machine's load average of a minute when it began and when it ended: what else ran there. */
  readonly load: { readonly before: number; readonly after: number }
  /** How long it took. */
  readonly minutes: number
  /** Versions of the peers that were measured. */
  readonly peers: Readonly<{ [name: string]: string }>
  readonly results: readonly SectionResult[]
}

export interface Worse {
  readonly section: string
  readonly name: string
  /** As a share of what it was: 0.5 for half as much again. */
  readonly by: number
  readonly text: string
}

/**
 * What got worse by more than its noise, of both runs together: a run that is repeated says the same. What stands beside a peer or a rival must be worse
 * beside it, too: where that got as much slower, the machine did, by what else ran there. On another machine that alone counts.
 */
export function worseSince(before: RunRecord, now: RunRecord): readonly Worse[] {
  const sameMachine = ['CPU', 'Node'].every((what) => before.machine[what] === now.machine[what])
  return now.results.flatMap(({ section, figures }) => {
    const earlier = before.results.find((result) => result.section === section)?.figures ?? []
    return figures.flatMap((figure) => {
      const old = earlier.find(({ name, unit }) => name === figure.name && unit === figure.unit)
      if (!old) return []
      const inTimes = worseInTimes(old, figure)
      const noise = noiseOf(old) + noiseOf(figure)
      const by = sameMachine ? worseBy(figure.unit, old.value, figure.value) : inTimes
      if (by === undefined || by <= noise || (inTimes !== undefined && inTimes <= noise)) return []
      const text = `${numberText(old.value)} → ${numberText(figure.value)} ${figure.unit}`
      return [{ section, name: figure.name, by, text }]
    })
  })
}

function worseInTimes(before: Figure, now: Figure): number | undefined {
  const of = (figure: Figure) => peerRatioOf(figure) ?? rivalRatioOf(figure)
  const [was, is] = [of(before), of(now)]
  return was === undefined || is === undefined ? undefined : was / is - 1
}

/** What is said at the end of a run. */
export function worseText(before: RunRecord | undefined, now: RunRecord): string {
  if (!before) return `no results of a ${now.form} run are committed: nothing to compare with`
  const since = `${before.commit} (${before.at.slice(0, 10)})`
  const worse = worseSince(before, now)
  if (worse.length === 0) return `nothing got worse by more than its noise since ${since}`
  const lines = worse.map(
    ({ section, name, by, text }) => `  ${section}, ${name}: ${Math.round(by * 100)} % worse, ${text}`,
  )
  return [`worse by more than its noise since ${since}:`, ...lines].join('\n')
}

/** The newest committed results of that form. */
export function lastCommitted(form: RunRecord['form']): RunRecord | undefined {
  const files = git('ls-files', '*.json').split('\n').filter(Boolean)
  const records = files.map((file) => JSON.parse(readFileSync(join(RESULTS, file), 'utf8')) as RunRecord)
  return records
    .filter((record) => record.form === form)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))
    .at(-1)
}

export function currentCommit(): string {
  const commit = git('rev-parse', '--short=10', 'HEAD').trim()
  return git('status', '--porcelain', '--untracked-files=no', ':/').trim() === '' ? commit : `${commit}+`
}

/** Writes a whole run's results and gives the file. */
export function writeRecord(record: RunRecord): string {
  mkdirSync(RESULTS, { recursive: true })
  const file = join(
    RESULTS,
    `${record.at.slice(0, 10)}-${record.commit}${record.form === 'quick' ? '-quick' : ''}.json`,
  )
  writeFileSync(file, recordText(record))
  return file
}

export const recordText = (record: RunRecord): string => `${JSON.stringify(record, null, 1)}\n`

function git(...args: readonly string[]): string {
  mkdirSync(RESULTS, { recursive: true })
  try {
    return execFileSync('git', args, { cwd: RESULTS, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    // An unpacked copy of the sources has no history.
    return ''
  }
}
