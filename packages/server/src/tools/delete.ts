import { deleteFrom, type DeleteReport, type DeleteSpec, type ToolOptions } from '@spoor/storage'
import { formatBytes, shortPath } from '../cli-values.ts'
import { counted, print, type ToolOutput, toned } from './output.ts'

export interface DeleteCommand {
  readonly directory: string
  readonly what: DeleteSpec
  /** Also what is damaged and cannot be searched. */
  readonly damagedToo: boolean
  /** Without it nothing is deleted: what would go is said. */
  readonly yes: boolean
}

/**
 * `spoor delete`: deletes spans from every file of a store that is not open. 0: they are gone; 1: they may still be in what cannot be
 * searched; 2: it was not confirmed, and nothing was deleted.
 */
export async function deleteSpans(
  { directory, what, damagedToo, yes }: DeleteCommand,
  output: ToolOutput,
  options: ToolOptions,
): Promise<number> {
  const report = await deleteFrom(directory, what, { ...options, damagedToo, dryRun: !yes })
  print(output, { deleted: yes, ...report }, () => lines(report, directory, yes, damagedToo, output))
  if (!yes) return 2
  return report.unsearched.length > 0 ? 1 : 0
}

/** The same of a ClickHouse, which goes on meanwhile. 0: they are gone; 2: it was not confirmed, and nothing was deleted. */
export async function deleteFromStore(
  { store, what, yes }: Pick<DeleteCommand, 'what' | 'yes'> & { readonly store: string },
  output: ToolOutput,
  { signal }: ToolOptions,
): Promise<number> {
  const { deleteFromClickHouse, describeAddress, parseClickHouseUrl } = await import('@spoor/storage/clickhouse')
  const address = parseClickHouseUrl(store)
  const { spans } = await deleteFromClickHouse(address, what, { dryRun: !yes, ...(signal && { signal }) })
  print(output, { deleted: yes, spans }, () => [
    yes
      ? `${toned(output, 'green', 'deleted')} ${counted(spans, 'span')} from ${describeAddress(address)}`
      : `${counted(spans, 'span')} in ${describeAddress(address)} would be deleted`,
    ...(yes ? [] : ['nothing was deleted; run it again with --yes']),
  ])
  return yes ? 0 : 2
}

function lines(
  { spans, segments, bytes, unsearched }: DeleteReport,
  directory: string,
  yes: boolean,
  damagedToo: boolean,
  output: ToolOutput,
): string[] {
  const where = shortPath(directory)
  const verdict = yes
    ? `${toned(output, 'green', 'deleted')} ${counted(spans, 'span')} from ${counted(segments, 'segment')} of ${where}, which is ${formatBytes(Math.max(0, bytes))} smaller`
    : `${counted(spans, 'span')} in ${where} would be deleted`
  const isOpen = unsearched.length > 0 && !(yes && damagedToo)
  return [
    verdict,
    ...(isOpen
      ? [
          `${toned(output, 'yellow', 'not searched')}, as it cannot be read: ${unsearched.map(({ file, offset, bytes }) => `${file} (${counted(bytes, 'byte')} at ${offset})`).join(', ')}`,
          ...(damagedToo ? [] : ['add --damaged-too to delete that as well']),
        ]
      : []),
    ...(yes ? [] : ['nothing was deleted; run it again with --yes']),
  ]
}
