/** What a start of the whole program loads, as modules and not bundled. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createCounters } from '@spoor/collector'
import { expect, onTestFinished, test } from 'vitest'
import { createBaseServer } from './http/base-server.ts'
import { idleCollector } from './testkit.ts'
import { createLogger } from './logging.ts'

const program = (data: string): string => `
import { registerHooks } from 'node:module'
const packages = new Set(), components = new Set()
registerHooks({
  load(url, context, next) {
    packages.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
    components.add(/\\/collector\\/(?:src|dist)\\/((?:receivers|processors|exporters|connectors|extensions)\\/[^/]+)\\//.exec(url)?.[1])
    return next(url, context)
  },
})
const { startSpoor } = await import(${JSON.stringify(new URL('spoor.ts', import.meta.url).href)})
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const spoor = await startSpoor({ data: ${JSON.stringify(data)}, pagePort: 0, otlpGrpcPort: 0, otlpHttpPort: 0, logger })
await spoor.stop()
console.log(JSON.stringify([[...packages], [...components].filter((name) => name !== undefined)]))
process.exit(0)`

test('a start loads what it needs: of the components that of its own configuration, and no compiler of schemas', async () => {
  const data = mkdtempSync(join(tmpdir(), 'spoor-start-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const file = join(data, 'program.mjs')
  writeFileSync(file, program(join(data, 'spans')))
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@spoor/source', file])
  const [packages, components] = JSON.parse(stdout) as [string[], string[]]
  expect(components).toEqual(['receivers/otlp'])
  expect(packages).toEqual(expect.arrayContaining(['fastify', 'yaml', 'zod']))
  const unneeded = ['ajv', 'json-schema-ref-resolver', 'light-my-request', 'undici', 're2js', '@platformatic/kafka']
  expect(packages.filter((name) => unneeded.includes(name))).toEqual([])
})

test('a route with a schema says why it cannot have one', async () => {
  const app = createBaseServer(
    {
      host: '127.0.0.1',
      vitals: () => {
        throw new Error('nobody asks')
      },
      counters: createCounters(),
      logger: createLogger('silent'),
      collector: idleCollector(),
    },
    'page',
  )
  app.get('/', { schema: { querystring: { type: 'object' } } }, () => '')
  await expect(app.ready()).rejects.toThrow('a route cannot have a schema here')
  await app.close().catch(() => {})
})
