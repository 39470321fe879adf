import { readSpans, type ReadOptions, type ReadReport, type ToolOptions } from '@spoor/storage'
import { shortPath } from '../cli-values.ts'
import { counted, print, type ToolOutput, toned } from '../tools/output.ts'
import { otlpJsonSink, otlpSink } from './otlp-sink.ts'
import { openOutput, type OutputFile } from './output-file.ts'
import { AttributeCensus } from './parquet/attribute-columns.ts'
import type { SpanSink } from './span-sink.ts'

export type ExportForm = 'parquet' | 'otlp-json' | 'otlp'

export interface ExportCommand {
  readonly directory: string
  readonly form: ExportForm
  /** A path, or `-` for the standard output. */
  readonly to: string
  /** Replaces a file that is there. */
  readonly force: boolean
  readonly what: Pick<ReadOptions, 'from' | 'to' | 'filter' | 'wholeTraces'>
}

/**
 * `spoor export`: writes the spans of a data directory into one file, in a form that other programs read. 0: all that was asked for is in it; 1: a
 * part cannot be read, and the rest is in it.
 */
export async function exportSpans(command: ExportCommand, output: ToolOutput, options: ToolOptions): Promise<number> {
  const { directory, form, to, force, what } = command
  const file = await openOutput(to, { force, stdout: output.stdout })
  let report: ReadReport
  try {
    report = await exportInto(file, directory, form, { ...options, ...what })
    await file.finish()
  } catch (error) {
    await file.discard()
    throw error
  }
  const { spans, twins, complete, damage, vanished } = report
  const told = { file: to, form, spans, twins, complete, damage: damage?.message, vanished }
  // What is written to the standard output is the file.
  const printer = to === '-' ? { ...output, stdout: output.stderr } : output
  print(printer, told, () => lines(command, report, printer))
  return complete ? 0 : 1
}

async function exportInto(
  file: OutputFile,
  directory: string,
  form: ExportForm,
  options: ReadOptions,
): Promise<ReadReport> {
  if (form !== 'parquet') {
    const sink = form === 'otlp' ? otlpSink(file) : otlpJsonSink(file)
    return drain(directory, options, () => sink)
  }
  // Whoever exports nothing to Parquet does not load what writes it.
  const { parquetSink } = await import('./parquet/parquet-sink.ts')
  const census = new AttributeCensus()
  const sampled = { ...options, twinsOnce: true, sample: (bytes: Uint8Array) => census.add(bytes) }
  return drain(directory, sampled, () => parquetSink(file, census.columns()))
}

/** `open`: called when the first spans come, or none do. */
async function drain(directory: string, options: ReadOptions, open: () => SpanSink): Promise<ReadReport> {
  let sink: SpanSink | undefined
  const report = await readSpans(directory, options, (bytes, spans) => (sink ??= open()).add(bytes, spans))
  sink ??= open()
  await sink.finish()
  return report
}

function lines({ directory, to }: ExportCommand, report: ReadReport, output: ToolOutput): string[] {
  const { spans, twins, complete, damage, vanished } = report
  const where = to === '-' ? 'the standard output' : shortPath(to)
  return [
    `${toned(output, 'green', 'exported')} ${counted(spans, 'span')} of ${shortPath(directory)} to ${where}`,
    ...(twins > 0 ? [`${counted(twins, 'span')} more had been sent twice; each is in it once`] : []),
    ...(vanished ? ['what the limits of the running store took meanwhile is not in it'] : []),
    ...(complete
      ? []
      : [
          `${toned(output, 'yellow', 'not complete')}: ${damage?.message ?? 'a part of the store cannot be read'}; see spoor verify ${shortPath(directory)}`,
        ]),
  ]
}
