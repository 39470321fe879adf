import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { BackupReport, DeleteReport, RepairReport, StoreReport } from '@spoor/storage'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SearchResponse } from '../api.ts'
import { runCli } from '../cli.ts'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from '../testkit.ts'

let root: string
let data: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-tools-'))
  data = join(root, 'data')
  const spoor = await startTestSpoor({ data })
  for (let trace = 1; trace <= 20; trace++) {
    const secret = trace % 5 === 0 ? [string('user.token', `secret-${trace}`)] : []
    const response = await spoor.post(
      requestOf('shop', [
        { traceId: traceIdOf(trace), spanId: spanIdOf(1), attributes: secret },
        { traceId: traceIdOf(trace), spanId: spanIdOf(2) },
      ]),
    )
    expect(response.status).toBe(200)
  }
  await spoor.stop()
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** The command line in this process; what it prints, and its exit code. */
async function spoor(...args: string[]): Promise<{ code: number; output: string }> {
  const out = new PassThrough()
  const code = await runCli(['node', 'spoor', ...args], { stdout: out, stderr: out })
  return { code, output: String(out.read() ?? '') }
}

async function json(...args: string[]): Promise<{ code: number; report: unknown }> {
  const { code, output } = await spoor(...args, '--json')
  return { code, report: JSON.parse(output) }
}

async function found(directory: string, change: Partial<Parameters<typeof startTestSpoor>[0]> = {}): Promise<string[]> {
  const running = await startTestSpoor({ data: directory, ...change })
  const { traces } = await running.json<SearchResponse>('/api/spoor/v1/search?limit=100')
  await running.stop()
  return traces.map(({ traceId }) => traceId).sort()
}

async function logOf(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort()
  return join(directory, names[0]!)
}

/** Turns over a byte in the middle of the first log. */
async function damage(directory: string): Promise<void> {
  const log = await logOf(directory)
  const bytes = await readFile(log)
  bytes[Math.floor(bytes.length / 2)]! ^= 0xff
  await writeFile(log, bytes)
}

describe('spoor verify and repair', () => {
  it('find a whole store fine', async () => {
    const { code, output } = await spoor('verify', data)
    expect([code, output]).toEqual([0, expect.stringMatching(/fine: 40 spans in \d segments?\n$/) as string])
    const { report } = await json('verify', data)
    expect(report).toMatchObject({ ok: true, spans: 40, maxLostSpans: 0 })
    expect(await spoor('repair', data)).toMatchObject({
      code: 0,
      output: expect.stringContaining('nothing to do') as string,
    })
  })

  it('tell of damage, where it is and how much at most; what is whole stays', async () => {
    await damage(data)
    const { code, output } = await spoor('verify', data)
    expect(code).toBe(1)
    expect(output).toMatch(/not fine: \d+ spans in \d segments? can be read; at most \d+ spans? lost/)
    expect(output).toMatch(/00000001\.log +\d+ +[\d.]+ kB +damaged .* bytes at [\d,]+ are damaged: at most/)
    const before = (await json('verify', data)).report as StoreReport
    expect(before.ok).toBe(false)
    const mended = await json('repair', data)
    expect(mended.code).toBe(1)
    expect((mended.report as RepairReport).after.spans).toBe(before.spans)
    expect(await spoor('repair', data)).toMatchObject({ output: expect.stringContaining('nothing to do') as string })
  })

  it('make an index again', async () => {
    const [index] = (await readdir(data)).filter((name) => name.endsWith('.idx'))
    await rm(join(data, index!))
    expect((await spoor('verify', data)).code).toBe(1)
    const { code, output } = await spoor('repair', data)
    expect([code, output]).toEqual([0, expect.stringContaining('1 block indexed again') as string])
    expect((await spoor('verify', data)).code).toBe(0)
  })

  it('say what is wrong with a directory that is none', async () => {
    const { code, output } = await spoor('verify', join(root, 'nothing'))
    expect([code, output]).toEqual([1, expect.stringContaining('nothing') as string])
    expect((await spoor('verify')).code).toBe(2)
  })
})

describe('spoor backup', () => {
  it('copies while Spoor runs; the copy is looked at without changing it', async () => {
    const copy = join(root, 'copy')
    const running: TestSpoor = await startTestSpoor({ data })
    const { code, report } = await json('backup', '--data', data, copy)
    expect(code).toBe(0)
    expect((report as BackupReport).bytes).toBeGreaterThan(0)
    expect(await running.json('/api/spoor/v1/services')).toEqual({ services: ['shop'] })
    await running.stop()
    const before = await Promise.all((await readdir(copy)).map((name) => readFile(join(copy, name))))
    const traces = Array.from({ length: 20 }, (_, index) => traceIdOf(index + 1))
    expect(await found(copy, { readOnly: true })).toEqual(traces)
    expect(await Promise.all((await readdir(copy)).map((name) => readFile(join(copy, name))))).toEqual(before)
    expect(await found(copy)).toEqual(traces)
    const again = await spoor('backup', '--data', data, copy)
    expect([again.code, again.output]).toEqual([1, expect.stringContaining('is not empty') as string])
  })
})

describe('spoor delete', () => {
  it('says what would go, and deletes it with --yes', async () => {
    const ids = [traceIdOf(3), traceIdOf(4).slice(-16)]
    const dry = await spoor('delete', '--data', data, ...ids)
    expect(dry.code).toBe(2)
    expect(dry.output).toMatch(/4 spans in .*would be deleted\n[^]*run it again with --yes/)
    expect(await found(data)).toHaveLength(20)
    expect(await spoor('delete', '--data', data, ...ids, '--yes')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/deleted 4 spans/) as string,
    })
    const left = await found(data)
    expect(left).toHaveLength(18)
    expect(left).not.toContain(traceIdOf(3))
  })

  it('deletes by attribute, value and time, from every file', async () => {
    const spans = async (...args: string[]) =>
      ((await json('delete', '--data', data, ...args)).report as DeleteReport).spans
    expect(await spans('--attribute', 'user.token')).toBe(4)
    expect(await spans('--attribute', 'user.token=secret-5')).toBe(1)
    expect(await spans('--attribute', 'user.token=secret')).toBe(0)
    expect(await spans('--attribute', 'user.token', '--to', '1h')).toBe(0)
    expect(await spans('--attribute', 'user.token', '--from', '2000-01-01', '--to', '2001-01-01T00:00:00Z')).toBe(0)
    expect(await spans('--attribute', 'user.token', '--from', '1h')).toBe(4)
    const { code, report } = await json('delete', '--data', data, '--attribute', 'user.token', '--yes')
    expect([code, report]).toEqual([0, expect.objectContaining({ deleted: true, spans: 4 }) as object])
    expect(await spans('--attribute', 'user.token')).toBe(0)
    expect(await found(data)).toHaveLength(20)
  })

  it('does not reach into a store that is open', async () => {
    const running = await startTestSpoor({ data })
    expect((await spoor('delete', '--data', data, traceIdOf(1), '--yes')).code).toBe(1)
    await running.stop()
  })
})
