import { decodeTraces } from '@spoor/otlp'
import { keyOf } from './oracle.ts'
import type { File } from '../local/files/file-system.ts'
import { FILE_HEADER, readExactly, readFrame } from '../local/files/log.ts'
import { readSealed } from '../local/files/sealed-file.ts'
import { readLogState, walkLog } from '../local/files/walk.ts'
import { Section } from '../local/sealed/section.ts'
import type { Inode } from './simulated-disk.ts'

/** What is hit when bytes of a log change. */
export interface Hit {
  /** Spans, as {@link keyOf} names them. */
  readonly spans: readonly string[]
  /** No whole record is behind it: then nothing tells whether what was hit had been acknowledged. */
  readonly isTail: boolean
}

/** Spans in records that have a byte in [from, to). Called before they change. */
export function hitBy(log: Inode, from: number, to: number): Hit {
  const file = fileOf(log)
  const state = readLogState(file, 'the log')
  if (state.state !== 'ok') return { spans: [], isTail: true }
  const spans: string[] = []
  // A log that has lost its header is known by its records.
  let isTail = true
  for (const stretch of walkLog(file, 'the log', state.header, FILE_HEADER, log.size)) {
    if (stretch.kind !== 'record') continue
    if (stretch.end <= from) continue
    if (stretch.start >= to) isTail = false
    else for (const frame of stretch.record.frames) spans.push(...spansOf(readFrame(file, 'the log', frame)))
  }
  return { spans, isTail }
}

/** Spans in the sections of a sealed segment that have a byte in [from, to). Called before they change. */
export function hitSections(sealed: Inode, from: number, to: number): readonly string[] {
  const file = fileOf(sealed)
  return readSealed(file, 'the sealed segment').sections.flatMap(({ at, body, meta }) => {
    if (at >= to || body.offset + body.length <= from) return []
    const section = new Section(meta, (offset, length) => readExactly(file, body.offset + offset, length))
    try {
      const rows = section.rows()
      return spansOf(
        section.spanBytes(
          rows,
          Uint32Array.from({ length: rows.count }, (_, row) => row),
        ),
      )
    } catch {
      return [] // It was hit before.
    }
  })
}

/** All spans in the whole records of a log. */
export function allIn(log: Inode): readonly string[] {
  return hitBy(log, 0, Infinity).spans
}

function spansOf(requests: Uint8Array): string[] {
  return decodeTraces(requests).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => keyOf({ resource, scope, span }))),
  )
}

function fileOf(inode: Inode): File {
  const refuse = (): never => {
    throw new Error('it is only read')
  }
  return {
    read(into, offset, length, position) {
      const bytes = inode.bytes.subarray(position, Math.min(position + length, inode.size))
      into.set(bytes, offset)
      return bytes.length
    },
    size: () => inode.size,
    identity: () => String(inode.id),
    write: refuse,
    truncate: refuse,
    sync: refuse,
    dataSync: refuse,
    close() {},
  }
}
