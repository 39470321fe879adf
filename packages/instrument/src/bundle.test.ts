import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isBundle } from './bundled.ts'
import { type Receiver, startHttpReceiver } from './testkit/receiver.ts'
import { runApp } from './testkit/run-app.ts'

let directory: string
let receiver: Receiver

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-bundle-'))
  receiver = await startHttpReceiver()
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  await receiver.close()
})

test.each(['esm', 'cjs'] as const)(
  'an application that is one file, as %s, is traced and says what it misses',
  async (format) => {
    const file = join(directory, `app.${format === 'esm' ? 'mjs' : 'cjs'}`)
    const build = await rolldown({
      input: fileURLToPath(new URL('../fixtures/bundled.mjs', import.meta.url)),
      platform: 'node',
      // As users have it: what is published, which is a bundle itself.
      resolve: { conditionNames: ['node', 'import', 'default'] },
      logLevel: 'silent',
    })
    await build.write({ file, format, codeSplitting: false })
    await build.close()
    const run = await runApp(file, {
      register: false,
      env: { OTEL_SERVICE_NAME: `bundled ${format}`, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    })
    expect(run).toMatchObject({ code: 4, stdout: '' })
    expect(run.stderr).toContain(`spoor: tracing "bundled ${format}" → `)
    expect(run.stderr).toMatch(/^spoor: ES modules are not instrumented: .*esbuild --packages=external/m)
    const spans = receiver.spans.filter((span) => span.resource['service.name'] === `bundled ${format}`)
    // The last one leaves the process by process.exit(), from a thread that has no file of its own.
    expect(spans.map(({ name }) => name)).toEqual(['GET', 'GET', 'at the end'])
    expect(isBundle(file)).toBe(true)
  },
)

test('what people write is no bundle, what was made small is one', () => {
  const small = join(directory, 'small.js')
  writeFileSync(small, `${'const a=1;'.repeat(6_000)}\n`)
  expect(isBundle(small)).toBe(true)
  expect(isBundle(fileURLToPath(new URL('../fixtures/web.mjs', import.meta.url)))).toBe(false)
  for (const nothing of [undefined, directory, join(directory, 'gone.js')]) expect(isBundle(nothing)).toBe(false)
})
