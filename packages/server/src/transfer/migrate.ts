import type { ToolOptions } from '@spoor/storage'
import {
  describeAddress,
  type HourDifference,
  migrateToClickHouse,
  type MigrateProgress,
  type MigrateReport,
  parseClickHouseUrl,
} from '@spoor/storage/clickhouse'
import { shortPath } from '../cli-values.ts'
import { counted, print, type ToolOutput, toned } from '../tools/output.ts'

export interface MigrateCommand {
  readonly directory: string
  /** `clickhouse://…`. */
  readonly to: string
  readonly create: boolean
  readonly dryRun: boolean
  readonly spansPerSecond: number | undefined
}

/** Hours that are told one by one. */
const MAX_HOURS = 50
const DOING: Readonly<Record<MigrateProgress['doing'], string>> = {
  counting: 'counting what is here',
  comparing: 'comparing with what is there',
  storing: 'storing',
  checking: 'checking what differs',
}

/**
 * `spoor migrate`: brings the spans of a data directory to a ClickHouse. 0: each is there as often as here; in a dry run: it could be told what is not. 1: something is not there, or there more often, or could
 * not be read, and is named by hour.
 */
export async function migrate(command: MigrateCommand, output: ToolOutput, options: ToolOptions): Promise<number> {
  const { directory, to, create, dryRun, spansPerSecond } = command
  const { signal, onProgress } = options
  const address = parseClickHouseUrl(to)
  const report = await migrateToClickHouse({
    directory,
    address,
    create,
    dryRun,
    ...(spansPerSecond !== undefined && { spansPerSecond }),
    ...(signal && { signal }),
    onProgress({ doing, done, total }) {
      const spans =
        done === 0 ? '' : `  ${counted(done, 'span')}${total === 0 ? '' : ` of ${total.toLocaleString('en')}`}`
      onProgress?.({ file: `${DOING[doing]}${spans}`, bytesDone: done, bytesTotal: total })
    },
  })
  const told = { from: directory, to: describeAddress(address), dryRun, ...report, damage: report.damage?.message }
  print(output, told, () => migrateLines(command, report, output))
  if (dryRun) return report.damage || report.vanished ? 1 : 0
  return report.complete ? 0 : 1
}

/** What a person is told. */
export function migrateLines(
  { directory, to, dryRun }: MigrateCommand,
  report: MigrateReport,
  output: ToolOutput,
): string[] {
  const { spans, hours, stored, differences, complete, damage, vanished } = report
  const where = describeAddress(parseClickHouseUrl(to))
  const here = `${counted(spans, 'span')} of ${counted(hours, 'hour')}`
  const wrong = differences.filter(({ missing, doubled }) => missing > 0 || doubled > 0)
  const others = differences.reduce((sum, each) => sum + each.others, 0)
  const shown = dryRun ? differences : wrong
  return [
    dryRun
      ? `${shortPath(directory)} has ${here}; ${stored === 0 ? 'none' : counted(stored, 'span')} would be stored in ${where}${differences.length > 0 ? `, where ${counted(differences.length, 'hour')} differ` : ''}`
      : `${toned(output, 'green', 'stored')} ${counted(stored, 'span')} in ${where}`,
    ...(complete && !dryRun ? [`all of ${here} are there as often as here, by count and checksum of each hour`] : []),
    ...(!dryRun && others > 0 ? [`${counted(others, 'span')} of the same hours are there and not here`] : []),
    ...shown.slice(0, MAX_HOURS).map((each) => `${toned(output, 'yellow', each.hour)}  ${differenceOf(each)}`),
    ...(shown.length > MAX_HOURS ? [`and ${counted(shown.length - MAX_HOURS, 'hour')} more; --json has all`] : []),
    ...(vanished
      ? [
          `${toned(output, 'yellow', 'not complete')}: files of the running store went while they were read; run it again`,
        ]
      : []),
    ...(damage
      ? [`${toned(output, 'yellow', 'not complete')}: ${damage.message}; see spoor verify ${shortPath(directory)}`]
      : []),
    ...(wrong.length > 0 && !dryRun ? ['run it again: what is missing is stored then'] : []),
  ]
}

function differenceOf({ here, there, missing, doubled, others }: HourDifference): string {
  return [
    `${here.toLocaleString('en')} here, ${there.toLocaleString('en')} there`,
    ...(missing > 0 ? [`${missing.toLocaleString('en')} missing`] : []),
    ...(doubled > 0 ? [`${doubled.toLocaleString('en')} there more often`] : []),
    ...(others > 0 ? [`${others.toLocaleString('en')} of others`] : []),
  ].join(', ')
}
