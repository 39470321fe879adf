import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const CONFIG = `
receivers: {otlp: {protocols: {grpc: }}}
exporters: {debug: }
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}`

/** Prints the packages of which importing the collector loads modules, and the components whose code a collector loads that is made and not started. */
const PROGRAM = `
import { registerHooks } from 'node:module'
const packages = new Set(), components = new Set()
registerHooks({
  load(url, context, next) {
    packages.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
    components.add(/\\/collector\\/src\\/((?:receivers|processors|exporters|connectors|extensions)\\/[^/]+)\\//.exec(url)?.[1])
    return next(url, context)
  },
})
const { builtinComponents, openCollector } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)})
const sorted = (found) => [...found].filter((name) => name !== undefined).sort()
const before = sorted(components)
const logger = { debug() {}, info() {}, warn() {}, error() {} }
await openCollector({ config: ${JSON.stringify(CONFIG)}, factories: builtinComponents, logger, servesMetrics: true })
console.log(JSON.stringify([sorted(packages), before, sorted(components)]))`

test('a start loads no package that only some configurations need, and no component that its own does not name', async () => {
  const options = ['--conditions=@spoor/source', '--input-type=module', '--eval', PROGRAM]
  const { stdout } = await promisify(execFile)(process.execPath, options)
  expect(JSON.parse(stdout)).toEqual([['yaml', 'zod'], [], ['exporters/debug', 'receivers/otlp']])
})
