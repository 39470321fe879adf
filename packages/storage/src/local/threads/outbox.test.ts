import { createBatch, giveMemory, type TelemetryBatch } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { StorageError } from '../../contract.ts'
import { batchOf, sent } from '../../conformance/spans.ts'
import { systemClock } from '../runtime.ts'
import { Outbox } from './outbox.ts'
import type { ToWriter } from './protocol.ts'

type Append = Extract<ToWriter, { type: 'append' }>
const gone = new StorageError('io', 'the writer is gone')
const batch = batchOf(sent({ trace: 1, id: 1 }))

/** An outbox and what it has posted. */
function outbox(maxBytes = 1 << 20): { box: Outbox; posted: Append[] } {
  const posted: Append[] = []
  return { box: new Outbox(systemClock, maxBytes, (message) => void posted.push(message as Append)), posted }
}

it('does not hear an answer that comes after the writer was given up, or twice', async () => {
  const { box, posted } = outbox()
  const lost = box.append(batch)
  await systemClock.turn()
  box.fail(gone)
  await expect(lost).rejects.toBe(gone)
  box.settle(posted[0]!.ids, [posted[0]!.slab], undefined)
  await expect(box.append(batch)).rejects.toBe(gone)
  box.resume()
  const kept = box.append(batch)
  await systemClock.turn()
  for (let i = 0; i < 2; i++) box.settle(posted[1]!.ids, [], undefined)
  await kept
  expect(box.appended).toBe(1)
  expect(box.unanswered).toEqual({ batches: 0, spans: 0 })
})

it('posts nothing of a writer that is gone to the next one', async () => {
  const { box, posted } = outbox()
  const lost = box.append(batch)
  box.fail(gone)
  box.resume()
  await expect(lost).rejects.toBe(gone)
  await systemClock.turn()
  expect(posted).toEqual([])
})

it('has all its room again after a failure, for those in flight and those that waited', async () => {
  const { box, posted } = outbox(batch.byteLength)
  const appends = [1, 2, 3].map(() => box.append(batch).catch((error: unknown) => error))
  await systemClock.turn()
  expect(box.unanswered).toEqual({ batches: 3, spans: 3 })
  box.settle(posted[0]!.ids, [], undefined)
  box.fail(gone)
  expect(await Promise.all(appends)).toEqual([undefined, gone, gone])
  box.resume()
  const next = [1, 2].map(() => box.append(batch))
  for (const at of [1, 2]) {
    await systemClock.turn()
    await systemClock.turn()
    expect(posted).toHaveLength(at + 1)
    box.settle(posted[at]!.ids, [], undefined)
  }
  await Promise.all(next)
})

it('refuses what is shorter than it says, as freed memory is', async () => {
  const { box, posted } = outbox()
  await expect(box.append({ ...batch, byteLength: batch.byteLength + 1 })).rejects.toMatchObject({ code: 'bad_query' })
  expect([posted, box.unanswered.batches]).toEqual([[], 0])
})

const MIB = 1 << 20
/** A batch of one large request, in a buffer with room behind it. */
function largeBatch(isGiven: boolean): TelemetryBatch {
  const bytes = new Uint8Array(new ArrayBuffer(4 * MIB), 0, 3 * MIB).fill(7)
  const large = createBatch('traces', [{ bytes, items: 1 }])
  if (isGiven) giveMemory(large.chunks[0]!)
  return large
}

it('moves a large batch that nobody else reads, and copies one that others may', async () => {
  const { box, posted } = outbox(16 * MIB)
  const [own, shared] = [largeBatch(true), largeBatch(false)]
  const small = createBatch('traces', batch.chunks)
  giveMemory(small.chunks[0]!)
  const appends = [box.append(small), box.append(own), box.append(shared), box.append(small)]
  await systemClock.turn()
  expect(posted.map(({ slab }) => slab === own.chunks[0]!.bytes.buffer)).toEqual([false, true, false, false])
  expect(posted.map(({ ids }) => ids)).toEqual([[0], [1], [2], [3]])
  const copy = posted[2]!
  expect(new Uint8Array(copy.slab, 0, copy.ends[0]).every((byte) => byte === 7)).toBe(true)
  for (const { ids, slab } of posted) box.settle(ids, [slab], undefined)
  await Promise.all(appends)
  expect(shared.chunks[0]!.bytes.length).toBe(3 * MIB)
})

it('frees what comes back and is not used again, at once', async () => {
  const { box, posted } = outbox(16 * MIB)
  const appends = [box.append(largeBatch(true)), box.append(largeBatch(false)), box.append(batch)]
  await systemClock.turn()
  for (const { ids, slab } of posted) box.settle(ids, [slab], undefined)
  await Promise.all(appends)
  expect(posted.map(({ slab }) => slab.detached)).toEqual([true, true, false])
})

it('refuses what comes and what waits for room while the writer is slow, and leaves it what it has', async () => {
  const { box, posted } = outbox(batch.byteLength)
  const had = box.append(batch)
  const waits = box.append(batch)
  box.refuse(gone)
  await expect(waits).rejects.toBe(gone)
  await expect(box.append(batch)).rejects.toBe(gone)
  await systemClock.turn()
  box.settle(posted[0]!.ids, [], undefined)
  await had
  box.resume()
  const next = box.append(batch)
  await systemClock.turn()
  box.settle(posted[1]!.ids, [], undefined)
  await next
  expect(box.unanswered).toEqual({ batches: 0, spans: 0 })
})
