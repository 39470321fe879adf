import type { FileSystem } from '../files/file-system.ts'
import { readBack } from '../files/read-back.ts'
import { readSealed, SEALED_HEADER } from '../files/sealed-file.ts'
import { SealedWriter } from '../files/sealed-writer.ts'
import { drawSalt, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'

/**
 * Gives a sealed segment whole headers, directory and filter, made from its sections. Whatever else is in it, it keeps. The result is how many spans can
 * be read.
 */
export function repairSealed(files: FileSystem, directory: string, id: number, nowMs: number): number {
  const path = sealedPath(directory, id)
  const file = files.open(path, 'read')
  const target = files.open(path + NEW, 'create')
  try {
    const { header, sections, lost } = readSealed(file, path)
    const size = file.size()
    target.truncate(0)
    const writer = new SealedWriter(target, drawSalt())
    writer.lost = lost
    let spans = 0
    let kept = SEALED_HEADER
    for (const section of sections) {
      const { at, body } = section
      writer.copyBytes(file, kept, at)
      const { digest, traceHashes } = readBack(file, section)
      writer.copy(file, section, traceHashes)
      spans += digest.spans
      kept = body.offset + body.length
    }
    // Where sections are lost, what is behind the last one may be of them.
    if (lost) writer.copyBytes(file, kept, Math.min(size, header?.directoryAt ?? size))
    writer.finish(header ?? { createdMs: nowMs, endedMs: nowMs, logBytes: size, isKept: false })
    target.sync()
    files.rename(path + NEW, path)
    return spans
  } finally {
    file.close()
    target.close()
  }
}
