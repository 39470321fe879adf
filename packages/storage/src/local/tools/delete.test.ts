import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MS, T0, attributes, batchOf, sent, traceId } from '../../conformance/spans.ts'
import { spansOf } from '../../conformance/harness.ts'
import type { StoreEvent } from '../../events.ts'
import { pairHashes } from '../block/attribute.ts'
import { bloomHas, ATTRIBUTE_PROBES } from '../block/bloom.ts'
import { nodeFileSystem, type FileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock, readFilter } from '../files/index-file.ts'
import { indexPath, listSegments } from '../files/segment.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { deleteFrom } from './delete.ts'
import { appendTrace, damaged, edit, fill, readAll, records, SPANS } from './store.test.helper.ts'
import { verifyStore } from './verify.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const SECRET = 'hunter2-Zq81-tr0ub4dor'
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

let root: string
let directory: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-delete-'))
  directory = join(root, 'data')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Files below the directory in which the text is, as it stands or inside of a zstd frame. */
function filesWith(text: string): string[] {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
  return names
    .filter((entry) => entry.isFile())
    .filter((entry) => {
      const bytes = readFileSync(join(entry.parentPath, entry.name))
      if (bytes.includes(text)) return true
      for (let at = bytes.indexOf(ZSTD); at >= 0; at = bytes.indexOf(ZSTD, at + 1)) {
        try {
          if (zstdDecompressSync(bytes.subarray(at)).includes(text)) return true
        } catch {
          // Not the beginning of a frame.
        }
      }
      return false
    })
    .map(({ name }) => name)
}

/** Traces 0 to 39 of which 5 and 25 have the secret: on a span, on a resource, in an event, a link, a scope and a name. */
async function fillWithSecret(): Promise<void> {
  const store = await openInSameThread({ directory, segmentBytes: 3000, seal: false })
  for (let trace = 0; trace < 40; trace++)
    await appendTrace(store, trace, trace === 5 || trace === 25 ? SECRET : undefined)
  const secret = attributes({ secret: SECRET })
  const traceState = ''
  const linked = { traceId: traceId(1), spanId: '0000000000000001', traceState, droppedAttributesCount: 0, flags: 0 }
  await store.append(
    batchOf(
      sent({ trace: 50, id: 1, at: 50, resource: secret }),
      sent({ trace: 51, id: 1, at: 51, scope: { attributes: secret } }),
      sent({
        trace: 52,
        id: 1,
        at: 52,
        span: { events: [{ timeUnixNano: T0, name: 'e', attributes: secret, droppedAttributesCount: 0 }] },
      }),
      sent({ trace: 53, id: 1, at: 53, span: { links: [{ ...linked, attributes: secret }] } }),
      sent({ trace: 54, id: 1, at: 54 }),
    ),
  )
  await store.close()
}

it('deletes a secret from every file, and nothing else', async () => {
  await fillWithSecret()
  expect(filesWith(SECRET).length).toBeGreaterThan(2)
  const events: StoreEvent[] = []
  const report = await deleteFrom(
    directory,
    { attribute: 'secret', value: SECRET },
    { onEvent: (event) => events.push(event) },
  )
  expect(report).toMatchObject({ spans: 6, unsearched: [] })
  expect(report.bytes).toBeGreaterThan(0)
  expect(events).toMatchObject([
    { code: 'dropped', reason: 'request', spans: 6, oldest: String(T0 + 5n * MS), newest: String(T0 + 53n * MS) },
  ])
  expect(filesWith(SECRET)).toEqual([])
  expect(mayHaveSecret()).toBe(false)
  expect(await verifyStore(directory)).toMatchObject({ ok: true, spans: 40 * SPANS - 2 + 1, interrupted: false })
  const store = await openInSameThread({ directory, seal: false })
  for (let trace = 0; trace < 40; trace++) {
    const ids = (await spansOf(store, traceId(trace))).map(({ span }) => Number(span.spanId))
    expect(ids).toEqual(trace === 5 || trace === 25 ? [1, 3] : [1, 2, 3])
  }
  expect(await spansOf(store, traceId(54))).toHaveLength(1)
  for (const trace of [50, 51, 52, 53]) expect(await spansOf(store, traceId(trace))).toEqual([])
  await store.close()
  expect(await deleteFrom(directory, { attribute: 'secret' })).toMatchObject({ spans: 0, segments: 0, bytes: 0 })
})

/** Whether the filter of a block lets the secret through. */
function mayHaveSecret(): boolean {
  const hashes = pairHashes('secret', SECRET)!
  return listSegments(nodeFileSystem, directory).some((id) => {
    const file = nodeFileSystem.open(indexPath(directory, id), 'read')
    let found = false
    for (let at = INDEX_HEADER; at < file.size();) {
      const block = readBlock(file, at, file.size())!
      const bits = readFilter(file, block.attributeFilter, block.meta.crcs[1])
      found ||= bits !== undefined && hashes.some((hash) => bloomHas(bits, hash === 0 ? 1 : hash, ATTRIBUTE_PROBES))
      at = block.end
    }
    file.close()
    return found
  })
}

it('deletes whole traces, and what has an attribute within a time', async () => {
  await fillWithSecret()
  const traceIds = [traceId(7), traceId(8).toUpperCase(), traceId(999)]
  expect(await deleteFrom(directory, { traceIds }, { dryRun: true })).toMatchObject({ spans: 2 * SPANS })
  expect((await readAll(directory)).traces).toHaveLength(40)
  expect(await deleteFrom(directory, { traceIds })).toMatchObject({ spans: 2 * SPANS })
  const left = (await readAll(directory)).traces
  expect(left).not.toContain(7)
  expect(left).not.toContain(8)
  expect(left).toHaveLength(38)
  const range = { from: T0 + 25n * MS, to: T0 + 25n * MS }
  expect(await deleteFrom(directory, { attribute: 'secret', ...range })).toMatchObject({ spans: 1 })
  expect(filesWith(SECRET).length).toBeGreaterThan(0)
})

it('leaves an empty segment where all of it goes, and no gap', async () => {
  await fill(directory, 40)
  const second = records(directory).flatMap(({ id }, trace) => (id === 2 ? [traceId(trace)] : []))
  await deleteFrom(directory, { traceIds: second })
  const { traces, events } = await readAll(directory)
  expect(traces).toHaveLength(40 - second.length)
  expect(damaged(events)).toEqual([])
  expect((await verifyStore(directory)).ok).toBe(true)
})

it('names what it cannot search, and deletes it when it is told to', async () => {
  await fillWithSecret()
  const place = records(directory)[25]!
  edit(place.path, (bytes) => (bytes[place.end - 1]! ^= 1))
  const report = await deleteFrom(directory, { attribute: 'secret' })
  const file = place.path.slice(directory.length + 1)
  expect(report).toMatchObject({ spans: 5, unsearched: [{ file, bytes: place.end - place.start }] })
  expect(await verifyStore(directory)).toMatchObject({ ok: false, maxLostSpans: SPANS })
  const again = await deleteFrom(directory, { attribute: 'secret' }, { damagedToo: true })
  expect(again).toMatchObject({ spans: 0, unsearched: [] })
  expect(filesWith(SECRET)).toEqual([])
  expect((await verifyStore(directory)).ok).toBe(true)
  expect((await readAll(directory)).traces).toHaveLength(38)
})

it('is whole or has not begun wherever it is interrupted, and loses no other span', async () => {
  const original = join(root, 'original')
  await fillWithSecret()
  cpSync(directory, original, { recursive: true })
  let steps = 0
  let undone = 0
  let done = 0
  for (let failAt = 0; failAt === 0 || failAt <= steps; failAt++) {
    rmSync(directory, { recursive: true })
    cpSync(original, directory, { recursive: true })
    const { files, count } = interruptedAt(failAt === 0 ? Infinity : failAt)
    await deleteFrom(directory, { attribute: 'secret' }, { files, lock: () => () => {} }).catch(() => {})
    if (failAt === 0) steps = count()
    // The next open; every so often with all its threads.
    if (failAt % 20 === 1) await readAll(directory)
    else await deleteFrom(directory, { traceIds: [traceId(999)] })
    const { ok, spans, interrupted } = await verifyStore(directory)
    expect({ ok, interrupted }).toEqual({ ok: true, interrupted: false })
    const gone = filesWith(SECRET).length === 0
    expect(spans).toBe(40 * SPANS + 5 - (gone ? 6 : 0))
    if (gone) done++
    else undone++
  }
  expect(steps).toBeGreaterThan(20)
  expect(done).toBeGreaterThan(3)
  expect(undone).toBeGreaterThan(10)
}, 60_000)

it('refuses a directory that is in use, and what means nothing', async () => {
  const store = await openInSameThread({ directory, seal: false })
  await expect(deleteFrom(directory, { attribute: 'secret' })).rejects.toMatchObject({ code: 'locked' })
  await store.close()
  for (const what of [{ traceIds: [] }, { traceIds: ['abc'] }, { attribute: 'a', from: 2n, to: 1n }])
    await expect(deleteFrom(directory, what)).rejects.toMatchObject({ code: 'bad_query' })
  expect(existsSync(join(root, 'none'))).toBe(false)
  await expect(deleteFrom(join(root, 'none'), { attribute: 'a' })).rejects.toMatchObject({ code: 'io' })
  expect(existsSync(join(root, 'none'))).toBe(false)
})

/** The real file system, in which the `failAt`-th change and all after it do not happen. */
function interruptedAt(failAt: number): { files: FileSystem; count: () => number } {
  let done = 0
  const step = (): void => {
    if (++done >= failAt) throw new Error('the machine is off')
  }
  const files: FileSystem = {
    ...nodeFileSystem,
    remove: (path) => (step(), nodeFileSystem.remove(path)),
    rename: (from, to) => (step(), nodeFileSystem.rename(from, to)),
    open(path, mode) {
      if (mode !== 'read' && mode !== 'update') step()
      const file = nodeFileSystem.open(path, mode)
      return {
        read: (...args) => file.read(...args),
        write: (...args) => (step(), file.write(...args)),
        size: () => file.size(),
        identity: () => file.identity(),
        truncate: (size) => (step(), file.truncate(size)),
        sync: () => file.sync(),
        dataSync: (then) => file.dataSync(then),
        close: () => file.close(),
      }
    },
  }
  return { files, count: () => done }
}
