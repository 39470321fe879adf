import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { StorageError, type ToolOptions } from '@spoor/storage'
import type { Refusal } from '@spoor/trace/files'
import { formatBytes } from '../cli-values.ts'
import { SpoorError } from '../error.ts'
import { createLogger } from '../logging.ts'
import { counted, print, type ToolOutput, toned } from '../tools/output.ts'
import { openDestination } from './import/destination.ts'
import { readInput } from './import/read-input.ts'
import { ImportSession } from './import/session.ts'

export interface ImportCommand {
  /** Paths; `-` is the standard input. */
  readonly files: readonly string[]
  readonly data: string | undefined
  readonly endpoint: string | undefined
  readonly defaultData: string
  readonly stdin: Readable
}

/** Reasons that a person is told; all are in the JSON. */
const SHOWN_REASONS = 10

/**
 * `spoor import`: takes spans out of files into a store. 0: all that is in the files is in the store; 1: something was refused, and is told with its
 * reason and place, and the rest is in the store. What was imported before is stored twice and shown once.
 */
export async function importFiles(command: ImportCommand, output: ToolOutput, options: ToolOptions): Promise<number> {
  const { files, stdin } = command
  const sizes = await Promise.all(files.map(sizeOf))
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0)
  const destination = await openDestination({ ...command, logger: createLogger('warn') })
  const session = new ImportSession(destination)
  let bytesDone = 0
  try {
    for (const file of files) {
      session.begin(file === '-' ? 'the standard input' : file)
      const drain = async (): Promise<void> => {
        if (options.signal?.aborted) throw new StorageError('cancelled', 'the import was stopped, as was asked for')
        options.onProgress?.({ file, bytesDone, bytesTotal: Math.max(bytesTotal, bytesDone) })
        await session.drain()
      }
      await readInput(file, stdin, session, drain, (bytes) => (bytesDone += bytes))
    }
    await session.flush()
  } catch (error) {
    if (session.spans > 0 && error instanceof Error) {
      error.message += `; ${counted(session.spans, 'span')} were imported before, and are shown once if the same is imported again`
    }
    throw error
  } finally {
    await destination.close()
  }
  const { rejected } = destination
  const refusals = [...session.refusals.all]
  if (rejected > 0) {
    const first = destination.name
    refusals.push({ reason: 'the receiver did not take them', spans: rejected, pieces: 0, first })
  }
  const report = {
    to: destination.name,
    files,
    spans: session.spans - rejected,
    traces: session.traces.size,
    refused: refusals,
    leftOut: [...session.others.values()],
  }
  print(output, report, () => lines(session, report, bytesDone, output))
  return refusals.length > 0 ? 1 : 0
}

interface Report {
  readonly to: string
  readonly spans: number
  readonly traces: number
  readonly refused: readonly Refusal[]
  readonly leftOut: readonly { readonly what: string; readonly pieces: number }[]
}

function lines(
  session: ImportSession,
  { to, spans, traces, refused, leftOut }: Report,
  bytes: number,
  output: ToolOutput,
): string[] {
  const many = session.traces.isFull ? `more than ${counted(traces, 'trace')}` : counted(traces, 'trace')
  const hidden = refused.length - SHOWN_REASONS
  return [
    `${toned(output, 'green', 'imported')} ${counted(spans, 'span')} of ${many} from ${formatBytes(bytes)} into ${to}`,
    ...leftOut.map(({ what, pieces }) => `${counted(pieces, 'message')} of ${what} left out: only traces are imported`),
    ...refused
      .slice(0, SHOWN_REASONS)
      .map((each) => `${toned(output, 'red', 'refused')} ${amountOf(each)}: ${each.reason} (first at ${each.first})`),
    ...(hidden > 0 ? [`and for ${counted(hidden, 'further reason')}: see --json`] : []),
  ]
}

function amountOf({ spans, pieces }: Refusal): string {
  const parts = [
    ...(spans > 0 ? [counted(spans, 'span')] : []),
    ...(pieces > 0 ? [`${counted(pieces, 'piece')} of unknown content`] : []),
  ]
  return parts.length > 0 ? parts.join(' and ') : 'no span'
}

/** Before anything is opened: a name that is wrong should cost nothing. */
async function sizeOf(file: string): Promise<number> {
  if (file === '-') return 0
  const found = await stat(file).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException
    throw new SpoorError('file', `${file} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}`)
  })
  if (found.isDirectory()) throw new SpoorError('file', `${file} is a directory; name the files in it`)
  return found.size
}
