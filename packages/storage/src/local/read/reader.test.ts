import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { traceId } from '../../conformance/spans.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { settingsOf } from '../options.ts'
import type { Connect, Port } from '../runtime.ts'
import type { Call, Change, FromReader, ToReader } from '../threads/protocol.ts'
import { StillClock } from './blocks.test.helper.ts'
import { Reader } from './reader.ts'

/** The other ends of a reader's ports, in this thread. */
class Ends {
  readonly replies = new Map<number, FromReader>()
  #handle = (_message: ToReader): void => {}
  #id = 0

  readonly main: Port<ToReader, FromReader> = {
    post: (message) => void ('id' in message && this.replies.set(message.id, message)),
    onMessage: (handle) => (this.#handle = handle),
    receive: () => undefined,
    close: () => {},
  }

  readonly writer: Port<Change, never> = {
    post: () => {},
    onMessage: (handle) => handle({ type: 'joined' }),
    receive: () => undefined,
    close: () => {},
  }

  closeTrace(stream: number): void {
    this.#handle({ type: 'closeTrace', stream })
  }

  join(): void {
    this.#handle({ type: 'join', link: this.writer })
  }

  call(call: Call): number {
    const id = this.#id++
    this.#handle({ type: 'call', id, call, deadlineMs: 1e9 })
    return id
  }

  codes(ids: readonly number[]): unknown[] {
    return ids.map((id) => {
      const reply = this.replies.get(id)
      return reply && (reply.type === 'error' ? reply.error.code : 'answered')
    })
  }
}

async function withReader(test: (ends: Ends) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-reader-'))
  const ends = new Ends()
  const connect: Connect = (link) => link as never
  new Reader('search_reader', settingsOf({ directory }), nodeFileSystem, new StillClock(), connect, ends.main).start()
  ends.join()
  await test(ends)
  rmSync(directory, { recursive: true, force: true })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('refuses more queries at once than it takes, and answers again afterwards', async () => {
  await withReader(async (ends) => {
    const ids = Array.from({ length: 300 }, () => ends.call({ method: 'search', query: {} }))
    await turn()
    const codes = ends.codes(ids)
    expect(codes.slice(0, 256)).toEqual(Array.from({ length: 256 }, () => 'answered'))
    expect(codes.slice(256)).toEqual(Array.from({ length: 44 }, () => 'overloaded'))
    const again = ends.call({ method: 'services' })
    await turn()
    expect(ends.codes([again])).toEqual(['answered'])
  })
})

it('refuses to open more traces than it keeps, until some are closed', async () => {
  await withReader(async (ends) => {
    const streams: number[] = []
    for (let i = 0; i < 1024; i++) {
      streams.push(ends.call({ method: 'openTrace', traceId: traceId(1) }))
      if (i % 100 === 0) await turn()
    }
    await turn()
    const beyond = ends.call({ method: 'openTrace', traceId: traceId(1) })
    await turn()
    expect(ends.codes([...streams, beyond]).filter((code) => code !== 'answered')).toEqual(['overloaded'])
    // Those that are open go on, and whoever reads none is not refused.
    const on = [ends.call({ method: 'nextTrace', stream: streams[0]! }), ends.call({ method: 'services' })]
    ends.closeTrace(streams[1]!)
    await turn()
    expect(ends.codes(on)).toEqual(['answered', 'answered'])
    const opened = ends.call({ method: 'openTrace', traceId: traceId(1) })
    await turn()
    expect(ends.codes([opened])).toEqual(['answered'])
  })
})

it('says so when it is asked for a trace that is not open', async () => {
  await withReader(async (ends) => {
    const id = ends.call({ method: 'nextTrace', stream: 77 })
    await turn()
    expect(ends.codes([id])).toEqual(['io'])
  })
})
