/** Batches as messages in a file, or in one for each value of a resource attribute. */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import {
  countItems,
  createBatch,
  joinBytes,
  requestToJson,
  resourceParts,
  splitItems,
  type Chunk,
  type Signal,
  type TelemetryBatch,
} from '@spoor/otlp'
import { CollectorError, type Context } from '../../component/index.ts'
import type { Sender, SendResult } from '../../exporter-helper/index.ts'
import type { FileConfig } from './config.ts'
import { OutputFile } from './output-file.ts'

/** A message is at most so large, where it can be divided: its JSON is made in memory. Bytes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress)
const NEWLINE = Buffer.from('\n')

export class FileSender implements Sender {
  readonly #context: Context
  readonly #config: FileConfig
  readonly #path: string
  /** Those that are open, the one that was used last at the end. */
  readonly #files = new Map<string, OutputFile>()
  /** With `group_by`: those that were emptied already. */
  readonly #begun = new Set<string>()

  constructor(context: Context, config: FileConfig) {
    this.#context = context
    this.#config = config
    this.#path = resolve(config.path)
  }

  async start(): Promise<void> {
    const { create_directory: isMade, directory_permissions: permissions, group_by: groupBy } = this.#config
    try {
      if (isMade && !groupBy.enabled) {
        await mkdir(dirname(this.#path), { recursive: true, mode: Number.parseInt(permissions, 8) })
      }
      if (!groupBy.enabled) await this.#file(this.#path).open()
    } catch (error) {
      const hint = isMade ? '' : '; make the directory, or set create_directory: true'
      const isMissing = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
      throw new CollectorError('config', `${(error as Error).message}${isMissing ? hint : ''}`, { cause: error })
    }
  }

  async send(batch: TelemetryBatch, signal: AbortSignal): Promise<SendResult> {
    if (!this.#config.group_by.enabled) {
      await this.#file(this.#path).write(this.#messages(batch), signal)
      return { rejected: 0, message: '', isWritten: true }
    }
    return this.#sendGrouped(batch, signal)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()))
    this.#files.clear()
  }

  async #sendGrouped(batch: TelemetryBatch, abort: AbortSignal): Promise<SendResult> {
    const groups = new Map<string, Uint8Array[]>()
    let rejected = 0
    const { signal } = batch
    const { resource_attribute: key } = this.#config.group_by
    for (const chunk of batch.chunks) {
      for (const { resource, bytes } of resourceParts(chunk.bytes)) {
        const value = resource.attributes.findLast((attribute) => attribute.key === key)?.value
        const path = value?.type === 'string' ? this.#pathOf(value.value) : undefined
        if (path === undefined) rejected += countItems(signal, bytes)
        else if (groups.has(path)) groups.get(path)!.push(bytes)
        else groups.set(path, [bytes])
      }
    }
    for (const [path, parts] of groups) {
      await mkdir(dirname(path), { recursive: true, mode: Number.parseInt(this.#config.directory_permissions, 8) })
      await this.#file(path).write(this.#messages(createBatch(signal, [chunkOf(signal, parts)])), abort)
    }
    const message = rejected > 0 ? `the resource has no text ${JSON.stringify(key)} that makes a path` : ''
    return { rejected, reason: 'no_path', message, isWritten: true }
  }

  /** Undefined where nothing is left of the segment: it cannot lead out of the directory. */
  #pathOf(segment: string): string | undefined {
    const parts = segment.replaceAll('\0', '').split('/')
    const safe = parts.filter((part) => part !== '' && part !== '.' && part !== '..').join('/')
    return safe === '' ? undefined : resolve(this.#config.path.replace('*', () => safe))
  }

  #file(path: string): OutputFile {
    const { append, rotation, group_by: groupBy } = this.#config
    const isAppended = append || this.#begun.has(path)
    const file = this.#files.get(path) ?? new OutputFile(path, { isAppended, rotation, logger: this.#context.logger })
    this.#files.delete(path)
    this.#files.set(path, file)
    this.#begun.add(path)
    for (const [other, open] of this.#files) {
      if (this.#files.size <= groupBy.max_open_files) break
      this.#files.delete(other)
      // It ends what it is writing first.
      void open.close().catch((error: unknown) => {
        this.#context.logger.warn({ error: (error as Error).message }, 'A file could not be closed')
      })
    }
    return file
  }

  async *#messages({ signal, chunks }: TelemetryBatch): AsyncGenerator<readonly Uint8Array[]> {
    for (const chunk of chunks) {
      const isLarge = chunk.bytes.length > MAX_MESSAGE_BYTES
      const parts = isLarge ? splitItems(signal, chunk.bytes, { maxBytes: MAX_MESSAGE_BYTES }) : [chunk]
      for (const { bytes } of parts) yield await this.#encode(signal, bytes)
    }
  }

  async #encode(signal: Signal, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    const { format, compression, compression_params: params } = this.#config
    const message = format === 'proto' ? bytes : Buffer.from(JSON.stringify(requestToJson(signal, bytes)))
    if (compression === '' && format === 'json') return [message, NEWLINE]
    const level = { params: { [zlib.constants.ZSTD_c_compressionLevel]: params.level } }
    const coded = compression === 'zstd' ? await zstdCompress(message, level) : message
    const length = Buffer.alloc(4)
    length.writeUInt32BE(coded.length)
    return [length, coded]
  }
}

function chunkOf(signal: Signal, parts: readonly Uint8Array[]): Chunk {
  const bytes = joinBytes(parts)
  return { bytes, items: countItems(signal, bytes) }
}
