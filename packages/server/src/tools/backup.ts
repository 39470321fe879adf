import { backupStore, type ToolOptions } from '@spoor/storage'
import { formatBytes, shortPath } from '../cli-values.ts'
import { counted, print, type ToolOutput, toned } from './output.ts'

/** `spoor backup --data DIR TO`: copies the store, which may be open. 0: the copy is there and durable. */
export async function backup(from: string, to: string, output: ToolOutput, options: ToolOptions): Promise<number> {
  const report = await backupStore(from, to, options)
  const { directory, segments, bytes, vanished } = report
  print(output, report, () => [
    `${toned(output, 'green', 'copied')} ${counted(segments, 'segment')}, ${formatBytes(bytes)}, to ${shortPath(directory)}`,
    ...(vanished > 0 ? [`${counted(vanished, 'segment')} went by the limits of the store while it was copied`] : []),
    `look at it with: spoor --read-only --data ${directory}`,
  ])
  return 0
}
