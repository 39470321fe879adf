import { ask } from '../worker/ask.ts'
import { keepOpened, type OpenedFile } from './opened-files.ts'

/** The most that is read into memory. Bytes. */
const maxBytes = 2 ** 30

const startReading = () => new Worker(new URL('./read-file.worker.ts', import.meta.url), { type: 'module' })

/** Reads a file, and keeps it open. Rejects with words for the person at the page; not for what is in it, which is told beside it. */
export async function openFile(file: File, signal: AbortSignal): Promise<OpenedFile> {
  if (file.size > maxBytes) {
    throw new Error(`${file.name} has more than 1 GiB. Put it in the store with "spoor import", and look at it there.`)
  }
  const opened = await ask<OpenedFile>(startReading, file, { task: 'reads files', signal })
  keepOpened(opened)
  return opened
}
