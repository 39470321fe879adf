import { crc32 } from 'node:zlib'
import { StorageError } from '../../contract.ts'
import { bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { HashSet } from '../block/hash.ts'
import type { EncodedSection } from '../sealed/encode.ts'
import { SpanDigest } from './digest.ts'
import type { File } from './file-system.ts'
import { compress, readExactly, VERSION, writeFully } from './log.ts'
import { hashesIfSame } from './read-back.ts'
import {
  encodeHeader,
  encodeSectionHead,
  SEALED_HEADER,
  type LostSections,
  type Place,
  type PlacedSection,
  type SealedDirectory,
  type SealedHeader,
} from './sealed-file.ts'

/** Distinct traces beyond which a segment has no filter of its own; its sections have theirs. 16 MiB of filter. */
const MAX_TRACES = 1 << 23
const COPY = 1 << 20

/** What a sealed form keeps of the log, and what it is. */
export type SealedLog = Pick<SealedHeader, 'createdMs' | 'endedMs' | 'logBytes' | 'isKept'>

/** Writes the sealed form of a segment into an empty file, section by section; {@link finish} makes it one. Syncs nothing. */
export class SealedWriter {
  size = SEALED_HEADER
  /** Sections that are known to be gone. */
  lost: LostSections | undefined
  readonly #file: File
  readonly #salt: number
  readonly #sections: PlacedSection[] = []
  /** Undefined: of some section it is not known which traces it has. */
  #traces: HashSet | undefined = new HashSet(MAX_TRACES)

  constructor(file: File, salt: number) {
    this.#file = file
    this.#salt = salt
  }

  /**
   * It is read back: throws StorageError `corrupt` when that does not give each byte that it was made from, whatever the reason, so that nothing is given up
   * for a section that cannot be read.
   */
  add({ parts, meta, source }: EncodedSection): void {
    const digest = new SpanDigest()
    digest.addScanned(source.bytes, source.columns, source.kept)
    const at = this.size
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const crc = parts.reduce((sum, part) => crc32(part, sum), 0)
    const head = encodeSectionHead(meta, this.#salt, { length, crc }, digest.value)
    this.size = writeFully(this.#file, [head, ...parts], at)
    const section = { at, body: { offset: at + head.length, length, crc }, digest: digest.value, meta }
    const traceHashes = meta.spans === digest.spans ? hashesIfSame(this.#file, section, source) : undefined
    if (!traceHashes)
      throw new StorageError(
        'corrupt',
        `a section of ${digest.spans} spans is not what it was made from when it is read back`,
      )
    this.#add(section, traceHashes)
  }

  /** A section of another file, as it is there. `traceHashes`: undefined where they cannot be read. */
  copy(from: File, section: PlacedSection, traceHashes: Iterable<number> | undefined): void {
    const { body, digest, meta } = section
    const at = this.size
    this.size = writeFully(this.#file, [encodeSectionHead(meta, this.#salt, body, digest)], at)
    const offset = this.size
    this.copyBytes(from, body.offset, body.offset + body.length)
    this.#add({ ...section, at, body: { ...body, offset } }, traceHashes)
  }

  /** Bytes that are no section. */
  copyBytes(from: File, start: number, end: number): void {
    for (let at = start; at < end; at += COPY)
      this.size = writeFully(this.#file, [readExactly(from, at, Math.min(COPY, end - at))], this.size)
  }

  /** The last of it is its header: until then it is none. */
  finish(log: SealedLog): SealedHeader {
    const sections = this.#sections
    const filter = this.#writeFilter()
    const contents: SealedDirectory = {
      sections,
      ...(filter && { filter }),
      ...(this.lost && { lost: this.lost }),
    }
    const json = Buffer.from(JSON.stringify(contents))
    const directory = compress(json)
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
      directoryBytes: json.length,
    }
    const bytes = encodeHeader(header)
    this.size = writeFully(this.#file, [directory, bytes], directoryAt)
    writeFully(this.#file, [bytes], 0)
    return header
  }

  #add(section: PlacedSection, traceHashes: Iterable<number> | undefined): void {
    this.#sections.push(section)
    if (!traceHashes) this.#traces = undefined
    for (const hash of traceHashes ?? []) this.#traces?.add(hash)
  }

  #writeFilter(): Place | undefined {
    const traces = this.#traces
    if (!traces || traces.overflowed) return undefined
    const bloom = createBloom(traces.size, TRACE_BITS)
    for (const hash of traces) bloomAdd(bloom, hash, TRACE_PROBES)
    const bytes = new Uint8Array(bloom.buffer, bloom.byteOffset, bloom.byteLength)
    const offset = this.size
    this.size = writeFully(this.#file, [bytes], offset)
    return { offset, length: bytes.length, crc: crc32(bytes) }
  }
}
