import { type SegmentReport, type StoreReport, type ToolOptions, verifyStore } from '@spoor/storage'
import { formatBytes, shortPath } from '../cli-values.ts'
import { counted, print, type ToolOutput, toned } from './output.ts'
import { tableLines } from './table.ts'

/** `spoor verify DIR`: reads all that is stored and says what of it is not as it was written. Changes nothing. 0: all is fine; 1: not. */
export async function verify(directory: string, output: ToolOutput, options: ToolOptions): Promise<number> {
  const report = await verifyStore(directory, options)
  print(output, report, () => reportLines(report, output))
  return report.ok ? 0 : 1
}

/** A report in lines: the verdict, the segments that there is something to say of, and what else lies there. */
export function reportLines(report: StoreReport, output: ToolOutput): string[] {
  const { segments, spans, foreign, kept, interrupted, format } = report
  const stored = `${counted(spans, 'span')} in ${counted(segments.length, 'segment')}`
  const lost = lostWords(report)
  const verdict = report.ok
    ? `${toned(output, 'green', 'fine')}: ${stored}`
    : `${toned(output, 'red', 'not fine')}: ${stored} can be read${lost === '' ? '' : `; ${lost}`}`
  const told = segments.filter(isWorthTelling)
  const notes = [
    ...(format === 'ok' || format === 'older' ? [] : [`the file FORMAT is ${format}`]),
    ...(interrupted ? ['a deletion or repair was interrupted; it goes on, or is undone, at the next start'] : []),
    ...(foreign.length > 0
      ? [`not Spoor’s: ${foreign.slice(0, 10).join(', ')}${foreign.length > 10 ? ', …' : ''}`]
      : []),
    ...(kept.files > 0 ? [`put aside in damaged/: ${counted(kept.files, 'piece')}, ${formatBytes(kept.bytes)}`] : []),
    ...(report.ok ? [] : [`"spoor repair ${shortPath(report.directory)}" makes whole what can be made whole`]),
  ]
  return [
    `${shortPath(report.directory)}  ${verdict}`,
    ...(told.length > 0 ? ['', ...segmentLines(told)] : []),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `  ${note}`)] : []),
  ]
}

function lostWords({ maxLostSpans, segments }: StoreReport): string {
  if (maxLostSpans === 0) return ''
  const isPerhaps = segments.every(({ damaged }) => damaged.every(({ perhaps }) => perhaps))
  const spans = maxLostSpans === undefined ? 'an unknown number of spans' : `at most ${counted(maxLostSpans, 'span')}`
  return `${spans} ${isPerhaps ? 'perhaps lost' : 'lost'}`
}

function isWorthTelling({ log, index, damaged, tornBytes }: SegmentReport): boolean {
  return log !== 'ok' || (index !== 'ok' && index !== 'behind') || damaged.length > 0 || tornBytes > 0
}

function segmentLines(segments: readonly SegmentReport[]): string[] {
  const columns = [
    { name: 'segment' },
    { name: 'spans', figures: true },
    { name: 'size', figures: true },
    { name: 'log' },
    { name: 'index' },
    { name: '' },
  ]
  const rows = segments.flatMap((segment) => {
    const { file, spans, bytes, log, index } = segment
    const head = [file, spans.toLocaleString('en'), formatBytes(bytes), log, index]
    const [first = '', ...rest] = detailsOf(segment)
    return [[...head, first], ...rest.map((detail) => [...head.map(() => ''), detail])]
  })
  return tableLines(columns, rows)
}

function detailsOf({ damaged, tornBytes, reason }: SegmentReport): string[] {
  return [
    ...damaged.map(({ offset, bytes, maxSpans, perhaps, gone }) => {
      const spans = maxSpans === undefined ? 'an unknown number of spans' : `at most ${counted(maxSpans, 'span')}`
      const what = `${counted(bytes, 'byte')} at ${offset.toLocaleString('en')} ${gone ? 'are gone' : 'are damaged'}: ${spans}`
      return perhaps ? `${what}, perhaps acknowledged` : what
    }),
    ...(tornBytes > 0 ? [`${counted(tornBytes, 'byte')} at the end were never finished, and never acknowledged`] : []),
    ...(reason === undefined ? [] : [reason]),
  ]
}
