import { crc32 } from 'node:zlib'
import { bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { HashSet } from '../block/hash.ts'
import type { EncodedSection } from '../sealed/encode.ts'
import type { File } from './file-system.ts'
import { VERSION, writeFully } from './log.ts'
import {
  encodeHeader,
  encodeSectionHead,
  SEALED_HEADER,
  type Place,
  type PlacedSection,
  type SealedHeader,
} from './sealed-file.ts'

/** Distinct traces beyond which a segment has no filter of its own; its sections have theirs. 16 MiB of filter. */
const MAX_TRACES = 1 << 23

/** Writes the sealed form of a segment into an empty file, section by section; {@link finish} makes it one. Syncs nothing. */
export class SealedWriter {
  size = SEALED_HEADER
  readonly #file: File
  readonly #salt: number
  readonly #sections: PlacedSection[] = []
  readonly #traces = new HashSet(MAX_TRACES)

  constructor(file: File, salt: number) {
    this.#file = file
    this.#salt = salt
  }

  /** `digest`: of the spans that it is to have. */
  add({ parts, meta, traceHashes }: EncodedSection, digest: number): PlacedSection {
    const at = this.size
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const crc = parts.reduce((sum, part) => crc32(part, sum), 0)
    const head = encodeSectionHead(meta, this.#salt, { length, crc }, digest)
    this.size = writeFully(this.#file, [head, ...parts], at)
    const section = { at, body: { offset: at + head.length, length, crc }, digest, meta }
    this.#sections.push(section)
    for (const hash of traceHashes) this.#traces.add(hash)
    return section
  }

  /** The last of it is its header: until then it is none. */
  finish(log: { readonly createdMs: number; readonly endedMs: number; readonly logBytes: number }): SealedHeader {
    const sections = this.#sections
    const filter = this.#writeFilter()
    const directory = Buffer.from(JSON.stringify({ sections, ...(filter && { filter }) }))
    const directoryAt = this.size
    const starts = sections.flatMap(({ meta }) =>
      meta.spans > 0 ? [BigInt(meta.minStart), BigInt(meta.maxStart)] : [],
    )
    const header: SealedHeader = {
      ...log,
      version: VERSION,
      salt: this.#salt,
      size: directoryAt + directory.length + SEALED_HEADER,
      spans: sections.reduce((sum, { meta }) => sum + meta.spans, 0),
      sections: sections.length,
      minStart: starts.reduce((a, b) => (b < a ? b : a), starts[0] ?? 0n),
      maxStart: starts.reduce((a, b) => (b > a ? b : a), starts[0] ?? 0n),
      directoryAt,
      directoryCrc: crc32(directory),
    }
    const bytes = encodeHeader(header)
    this.size = writeFully(this.#file, [directory, bytes], directoryAt)
    writeFully(this.#file, [bytes], 0)
    return header
  }

  #writeFilter(): Place | undefined {
    if (this.#traces.overflowed) return undefined
    const bloom = createBloom(this.#traces.size, TRACE_BITS)
    for (const hash of this.#traces) bloomAdd(bloom, hash, TRACE_PROBES)
    const bytes = new Uint8Array(bloom.buffer, bloom.byteOffset, bloom.byteLength)
    const offset = this.size
    this.size = writeFully(this.#file, [bytes], offset)
    return { offset, length: bytes.length, crc: crc32(bytes) }
  }
}
