import { readBack } from '../files/read-back.ts'
import { isFooterIntact, isIntact, readSealed, readSection } from '../files/sealed-file.ts'
import { sealedName, sealedPath } from '../files/segment.ts'
import type { DamagedRange, SegmentReport } from './report.ts'
import type { Work } from './work.ts'

/**
 * Reads all of a sealed segment: every byte against its checksum, and every span as a reader would. Throws StorageError `newer_format`, and what the
 * file system throws.
 */
export async function verifySealed(work: Work, id: number): Promise<SegmentReport> {
  const path = sealedPath(work.directory, id)
  const file = work.files.open(path, 'read')
  try {
    const { header, headerDamaged, directoryDamaged, sections, filter, lost } = readSealed(file, path)
    const damaged: DamagedRange[] = lost ? [{ ...lost, perhaps: false, gone: lost.bytes === 0 }] : []
    let isIndexed = !headerDamaged && !directoryDamaged && (!filter || isIntact(file, filter))
    if (header && !isFooterIntact(file, header)) isIndexed = false
    let spans = 0
    for (const section of sections) {
      const { at, body, meta } = section
      const { digest, isWhole } = readBack(file, section)
      spans += digest.spans
      if (!isWhole || !isIntact(file, body)) {
        const maxSpans =
          digest.spans < meta.spans ? meta.spans - digest.spans : digest.value === section.digest ? 0 : meta.spans
        damaged.push({ offset: body.offset, bytes: body.length, maxSpans, perhaps: false, gone: false })
      }
      if (!readSection(file, at, file.size(), header?.salt)) isIndexed = false
      await work.done(sealedName(id), body.length)
    }
    return {
      id,
      file: sealedName(id),
      log: damaged.length > 0 ? 'damaged' : 'ok',
      index: isIndexed ? 'ok' : 'damaged',
      format: header?.version,
      bytes: file.size(),
      records: sections.length,
      spans,
      damaged,
      tornBytes: 0,
      reason: undefined,
    }
  } finally {
    file.close()
  }
}
