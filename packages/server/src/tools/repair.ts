import { describeStoreEvent, type Repair, repairStore, type ToolOptions } from '@spoor/storage'
import { counted, print, type ToolOutput, toned } from './output.ts'
import { reportLines } from './verify.ts'

/** `spoor repair DIR`: makes whole what can be made whole. 0: all is fine now; 1: something is lost, or cannot be mended. */
export async function repair(directory: string, output: ToolOutput, options: ToolOptions): Promise<number> {
  const report = await repairStore(directory, options)
  print(output, report, () => [
    ...(report.repairs.length === 0
      ? ['There was nothing to do.']
      : report.repairs.map((each) => `  ${toned(output, 'yellow', 'mended')}  ${repairWords(each)}`)),
    '',
    ...reportLines(report.after, output),
  ])
  return report.after.ok ? 0 : 1
}

function repairWords(repair: Repair): string {
  switch (repair.did) {
    case 'header_written':
      return `${repair.file}: its header was written anew`
    case 'index_made':
      return `${repair.file}: made anew from the log, with ${counted(repair.spans, 'span')}`
    case 'moved':
      return `${repair.file}: nothing in it is Spoor’s; it was moved to ${repair.to}`
    case 'format_written':
      return `${repair.file} was written anew`
    default:
      return describeStoreEvent(repair.event)
  }
}
