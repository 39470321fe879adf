import { SpanDigest } from '../files/digest.ts'
import { ByteWriter } from './bytes.ts'
import { encodeSection } from './encode.ts'
import { Section } from './section.ts'

/** Bytes of requests that a specimen is made from, at most. */
const MAX_BYTES = 1 << 20

/** Takes objects that are to stay. */
export type Hold = (...objects: readonly object[]) => void

let specimen: readonly object[] | undefined

/**
 * Makes a small section of the first requests, once, and holds all that it takes to make and to compare one for as long as the thread lives.
 *
 * What V8 has compiled rests on the hidden classes of the objects that it was compiled for, and it forgets these, and with them the code, when a major
 * collection finds no such object alive. Sealing makes a section's objects, is done with them, and collects: without the specimen it has nearly everything
 * compiled anew in each section.
 */
export function holdSpecimen(requests: Iterable<Uint8Array>): void {
  specimen ??= specimenOf(requests)
}

/** Undefined when the first request alone is too large. */
export function specimenOf(requests: Iterable<Uint8Array>): readonly object[] | undefined {
  const few: Uint8Array[] = []
  let size = 0
  for (const request of requests) {
    size += request.length
    if (size > MAX_BYTES) break
    few.push(request)
  }
  if (few.length === 0) return undefined
  const held: object[] = []
  const hold: Hold = (...objects) => void held.push(...objects)
  const { parts, meta, source } = encodeSection({ requests: few, hold })
  const bytes = Buffer.concat(parts)
  const section = new Section(meta, (at, length) => bytes.subarray(at, at + length))
  const rows = section.rows()
  section.isSameAs(source, rows, hold)
  const digest = new SpanDigest()
  digest.addScanned(source.bytes, source.columns, source.kept)
  return [...held, section, rows, digest, new ByteWriter(1)]
}
