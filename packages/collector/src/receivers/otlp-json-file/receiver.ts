/**
 * Reads OTLP/JSON lines from files, as the `file` exporter writes them, and goes on where lines are added. A line is done with when
 * the pipelines have taken it: where they refuse for now, it waits.
 */
import { glob, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createBatch, type Signal } from '@spoor/otlp'
import {
  aborted,
  createLogLimiter,
  EMPTY_CONTEXT,
  extensionOf,
  signalCounters,
  sleep,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Host,
  type LogLimiter,
} from '../../component/index.ts'
import { readMessage, type Message } from '../../otlp-protocol/message.ts'
import { BadLines } from './bad-lines.ts'
import type { OtlpJsonFileConfig } from './config.ts'
import { Offsets } from './offsets.ts'
import { signalOf } from './signal.ts'
import { TrackedFile, type Line } from './tracked-file.ts'

const LOG_INTERVAL_MS = 60_000
/** Waits between tries when the pipelines refuse for now: doubled from the first to the last. Milliseconds. */
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
/** How often the position is kept while a file is read. Milliseconds. */
const SAVE_INTERVAL_MS = 1_000

export class OtlpJsonFileReceiver implements Component {
  readonly #context: Context
  readonly #config: OtlpJsonFileConfig
  readonly #next: ReadonlyMap<Signal, Consumer>
  readonly #log: LogLimiter
  readonly #accepted
  readonly #refused
  readonly #bad: BadLines
  readonly #stopping = new AbortController()
  /** By device and inode. */
  readonly #files = new Map<string, TrackedFile>()
  #offsets: Offsets | undefined
  #isFirst = true
  #running: Promise<void> = Promise.resolve()

  constructor(context: Context, config: OtlpJsonFileConfig, next: ReadonlyMap<Signal, Consumer>) {
    this.#context = context
    this.#config = config
    this.#next = next
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const labels = { receiver: context.id, transport: 'file' }
    this.#accepted = signalCounters(context.counters, 'otelcol_receiver_accepted', labels)
    this.#refused = signalCounters(context.counters, 'otelcol_receiver_refused', labels)
    this.#bad = new BadLines(context)
  }

  async start(host: Host): Promise<void> {
    const { storage } = this.#config
    if (storage !== undefined) {
      const kept = extensionOf(host, storage, 'storage')
      this.#offsets = new Offsets(kept.fileOf(`receiver ${this.#context.id}`), kept.fsync)
    }
    this.#running = this.#run()
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping.abort()
    await Promise.race([this.#running, aborted(signal)])
    this.#offsets?.close()
    this.#offsets = undefined
    await Promise.all([...this.#files.values()].map((file) => file.close()))
    this.#files.clear()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#poll()
        this.#context.report('ok')
      } catch (error) {
        if (signal.aborted) return
        const { message } = error as Error
        this.#context.report('recoverable_error', message)
        this.#log.warn('poll', { component: this.#context.id, error: message }, 'Files could not be read')
      }
      await sleep(this.#config.poll_interval, signal)
    }
  }

  /** One file that cannot be read does not keep the others. Rejects with what is wrong with the first such. */
  async #poll(): Promise<void> {
    const found = await this.#find()
    const failures: unknown[] = []
    const isTried = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => void failures.push(error))
    for (const [key, path] of found) {
      const known = this.#files.get(key)
      if (known) known.path = path
      else await isTried(this.#begin(key, path))
    }
    this.#isFirst = false
    for (const [key, file] of this.#files) {
      await isTried(this.#read(file))
      if (this.#stopping.signal.aborted) return
      if (found.has(key)) continue
      // What was added before it was renamed or deleted has been read by now.
      this.#files.delete(key)
      await isTried(file.close())
    }
    if (failures.length > 0) throw failures[0]
  }

  /** The files that are to be read, by device and inode. */
  async #find(): Promise<ReadonlyMap<string, string>> {
    const { include, exclude, exclude_older_than: maxAgeMs } = this.#config
    const excluded = new Set<string>()
    for await (const path of glob(exclude)) excluded.add(resolve(path))
    const found = new Map<string, string>()
    for await (const name of glob(include)) {
      const path = resolve(name)
      if (excluded.has(path)) continue
      const status = await stat(path).catch(() => undefined)
      if (!status?.isFile()) continue
      if (maxAgeMs !== undefined && Date.now() - status.mtimeMs > maxAgeMs) continue
      found.set(`${status.dev}:${status.ino}`, path)
    }
    if (found.size === 0) {
      const fields = { component: this.#context.id, include }
      this.#log.info('none', fields, 'No file is there to be read yet')
    }
    return found
  }

  async #begin(key: string, path: string): Promise<void> {
    const file = await TrackedFile.open(path)
    this.#files.set(key, file)
    const kept = this.#config.replay_file ? undefined : this.#offsets?.find(file)
    if (kept) Object.assign(file.position, kept)
    else if (this.#isFirst && this.#config.start_at === 'end' && !this.#config.replay_file) {
      await this.#skipToEnd(file)
      this.#keep(file)
    }
    const { offset } = file.position
    this.#context.logger.info({ component: this.#context.id, file: path, offset }, 'Started watching file')
  }

  /** Past the lines that are there, which are counted, so that those that come have their right numbers. */
  async #skipToEnd(file: TrackedFile): Promise<void> {
    for await (const { isWhole, number, end } of file.lines(0)) {
      if (isWhole) Object.assign(file.position, { offset: end, line: number })
    }
  }

  async #read(file: TrackedFile): Promise<void> {
    if (this.#config.replay_file) file.restart()
    const { size, isNew } = await file.look()
    if (isNew) {
      const fields = { component: this.#context.id, file: file.path }
      this.#context.logger.info(fields, 'A file was written anew. It is read from its beginning.')
    }
    if (size === file.position.offset) return
    let savedAt = performance.now()
    try {
      for await (const line of file.lines(this.#config.max_log_size)) {
        if (this.#stopping.signal.aborted) return
        if (!line.isWhole && !this.#isDone(file, line, size)) return
        if (!(await this.#take(file, line))) return
        Object.assign(file.position, { offset: line.end, line: line.number })
        if (performance.now() - savedAt > SAVE_INTERVAL_MS) {
          this.#keep(file)
          savedAt = performance.now()
        }
      }
    } finally {
      this.#bad.tell(file.path)
      this.#keep(file)
    }
  }

  /** For the next start, where it is not kept yet. */
  #keep(file: TrackedFile): void {
    const { offset } = file.position
    if (offset === file.keptOffset) return
    this.#offsets?.save(file)
    file.keptOffset = offset
  }

  /** Whether a last line without its end is whole all the same: nothing has come for a while, and it can be read. */
  #isDone(file: TrackedFile, { bytes }: Line, size: number): boolean {
    if (!file.isRestOld(size, this.#config.force_flush_period) || !bytes) return false
    try {
      JSON.parse(Buffer.from(bytes).toString())
      return true
    } catch {
      return false
    }
  }

  /** Whether the line is done with: taken, refused for good, or not OTLP. False when the receiver stops before. */
  async #take(file: TrackedFile, { number, bytes }: Line): Promise<boolean> {
    const skip = (problem: string): true => {
      this.#bad.add(number, problem)
      return true
    }
    if (!bytes) return skip(`longer than max_log_size: ${this.#config.max_log_size} bytes`)
    const signal = signalOf(bytes)
    if (signal === 'blank') return true
    if (!signal) return skip('no OTLP/JSON: it has no resourceSpans, resourceMetrics or resourceLogs')
    const consumer = this.#next.get(signal)
    if (!consumer) {
      const message = `Skipping ${signal}, as no pipeline takes them from this receiver`
      this.#log.info(signal, { component: this.#context.id, file: file.path, line: number }, message)
      return true
    }
    let message: Message
    try {
      message = readMessage(signal, 'json', bytes)!
    } catch (error) {
      return skip((error as Error).message)
    }
    if (message.rejected > 0) {
      this.#refused[signal].value += message.rejected
      skip(`${message.rejected} spans have no valid id; the first: ${message.problem}`)
    }
    return message.items === 0 || this.#hand(consumer, signal, message, number)
  }

  async #hand(consumer: Consumer, signal: Signal, { bytes, items }: Message, line: number): Promise<boolean> {
    const stopping = this.#stopping.signal
    for (let retryMs = FIRST_RETRY_MS; !stopping.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      const lease = this.#context.budget.take(bytes.length, 'pipeline')
      try {
        if (!lease) throw this.#context.budget.refusal(bytes.length)
        await consumer.consume(createBatch(signal, [{ bytes, items }]), EMPTY_CONTEXT)
        this.#accepted[signal].value += items
        return true
      } catch (error) {
        const problem = toCollectorError(error)
        if (!problem.retryable) {
          this.#refused[signal].value += items
          this.#bad.add(line, `refused: ${problem.message}`)
          return true
        }
        const fields = { component: this.#context.id, error: problem.message }
        this.#log.warn('refused', fields, 'The pipelines refuse for now. The file waits.')
        await sleep(Math.max(retryMs, problem.requestedDelayMs ?? 0), stopping)
      } finally {
        lease?.release()
      }
    }
    return false
  }
}
