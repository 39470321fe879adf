import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { EMPTY_CONTEXT, NO_OVERVIEW, type Host } from '../component/index.ts'
import { batch, start, TAKEN } from './fixture.ts'

test('a queue that cannot be written is told until it can', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-queue-status-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const storage = { fileOf: () => join(directory, 'queue.sqlite'), fsync: false }
  const host: Host = {
    extension: () => ({ storage, start: async () => {}, shutdown: async () => {} }),
    fail: () => {},
    overview: () => NO_OVERVIEW,
  }
  const { exporter, context } = start({ sending_queue: { storage: 'file_storage' } }, () => TAKEN)
  const { status } = context
  await exporter.start(host)
  const consume = (items: number) => exporter.consume(batch(items), EMPTY_CONTEXT)
  const sent = async (items: number) =>
    vi.waitFor(() => expect(context.value('otelcol_exporter_sent_spans')).toBe(items))
  await consume(1)
  await sent(1)
  // What SQLite says where the disk is full.
  const write = vi.spyOn(DatabaseSync.prototype, 'exec').mockImplementation((sql) => {
    if (sql === 'BEGIN') throw new Error('database or disk is full')
  })
  onTestFinished(() => write.mockRestore())
  await expect(consume(2)).rejects.toMatchObject({ code: 'unavailable' })
  expect(status.event).toMatchObject({
    status: 'recoverable_error',
    message: 'the persistent queue cannot be written: database or disk is full',
  })
  write.mockRestore()
  await consume(4)
  expect(status.event.status).toBe('ok')
  await sent(5)
})
