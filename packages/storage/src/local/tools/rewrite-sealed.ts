import type { File } from '../files/file-system.ts'
import { piecesOf, readBack, sectionOf, whole } from '../files/read-back.ts'
import { readSealed, SEALED_HEADER, type PlacedSection, type SealedContents } from '../files/sealed-file.ts'
import { SealedWriter } from '../files/sealed-writer.ts'
import { drawSalt, sealedName, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import { withCounts } from '../seal/count-section.ts'
import { encodeSection } from '../sealed/encode.ts'
import { Cut } from './cut.ts'
import type { SpanMatch } from './match.ts'
import type { Rewritten } from './rewrite.ts'
import type { Work } from './work.ts'

/**
 * Writes a sealed segment anew, beside itself, without the spans that match: sections that have none of them are copied as they are, damaged ones too, or
 * are left out with `damagedToo`. What is damaged in a section that has such spans goes, and is told to be missing. Nothing is written when nothing goes.
 */
export async function rewriteSealed(
  work: Work,
  id: number,
  match: SpanMatch,
  { damagedToo, dryRun }: { readonly damagedToo: boolean; readonly dryRun: boolean },
): Promise<Rewritten> {
  const { files, directory } = work
  const path = sealedPath(directory, id)
  const file = files.open(path, 'read')
  try {
    const contents = readSealed(file, path)
    const cut = new Cut(match)
    const touched = new Set<PlacedSection>()
    const unsearched: { offset: number; bytes: number }[] = contents.lost ? [contents.lost] : []
    for (const section of contents.sections) {
      const { body } = section
      const before = cut.spans
      if (!readBack(file, section).isWhole) unsearched.push({ offset: body.offset, bytes: body.length })
      for (const read of readablePieces(file, section)) cut.from(read)
      if (cut.spans > before) touched.add(section)
      await work.done(path, body.length)
    }
    const found = {
      spans: cut.spans,
      range: cut.range,
      unsearched: unsearched.map(({ offset, bytes }) => ({ offset, bytes })),
    }
    const bytesBefore = file.size()
    const goes = cut.spans > 0 || (damagedToo && unsearched.length > 0)
    if (!goes || dryRun) return { ...found, names: [], bytesBefore, bytesAfter: bytesBefore }
    const bytesAfter = await write(work, id, file, contents, touched, match, damagedToo)
    return { ...found, names: [sealedName(id)], bytesBefore, bytesAfter }
  } finally {
    file.close()
  }
}

function* readablePieces(file: File, placed: PlacedSection): Generator<Uint8Array> {
  const section = sectionOf(file, placed)
  const rows = whole(() => section.rows())
  for (const read of rows ? piecesOf(section, rows) : []) {
    const bytes = whole(read)
    if (bytes) yield bytes
  }
}

/** Bytes written. */
async function write(
  work: Work,
  id: number,
  file: File,
  { header, sections, lost }: SealedContents,
  touched: ReadonlySet<PlacedSection>,
  match: SpanMatch,
  damagedToo: boolean,
): Promise<number> {
  const { files, directory } = work
  const target = files.open(sealedPath(directory, id) + NEW, 'create')
  try {
    target.truncate(0)
    const writer = new SealedWriter(target, drawSalt())
    if (lost && !damagedToo) writer.copyBytes(file, lost.offset, lost.offset + lost.bytes)
    const cut = new Cut(match)
    let gone = 0
    for (const section of sections) {
      const { isWhole, traceHashes } = readBack(file, section)
      if (touched.has(section) || (damagedToo && !isWhole)) {
        const before = cut.spans
        const requests = [...readablePieces(file, section)].map((bytes) => cut.from(bytes))
        const encoded = encodeSection({ requests })
        if (encoded.meta.spans > 0) writer.add(await withCounts(encoded))
        // What is damaged in it cannot stay: beside it is what has to go.
        gone += section.meta.spans - encoded.meta.spans - (cut.spans - before)
      } else writer.copy(file, section, traceHashes)
      await work.giveWay()
    }
    if (!damagedToo && (lost || gone > 0)) {
      const maxSpans = lost && lost.maxSpans === undefined ? undefined : (lost?.maxSpans ?? 0) + gone
      writer.lost = { offset: SEALED_HEADER, bytes: lost?.bytes ?? 0, maxSpans }
    }
    const size = file.size()
    writer.finish(header ?? { createdMs: Date.now(), endedMs: Date.now(), logBytes: size, isKept: false })
    target.sync()
    return target.size()
  } finally {
    target.close()
  }
}
