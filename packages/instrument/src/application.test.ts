import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { trace } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { checkApiCopies } from './api-copies.ts'
import { findApplication } from './application.ts'
import { defaultInstrumentations, shortName } from './instrumentations.ts'

let directory: string
let findings: string[]

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'spoor-app-')))
  findings = []
})

afterEach(() => rmSync(directory, { recursive: true }))

function report(finding: string): void {
  findings.push(finding)
}

function write(file: string, content: string): void {
  mkdirSync(dirname(join(directory, file)), { recursive: true })
  writeFileSync(join(directory, file), content)
}

test('the application is where the package.json above its script is', () => {
  write('package.json', JSON.stringify({ name: 'shop', dependencies: { a: '1' }, devDependencies: { b: '1' } }))
  write('src/deep/main.js', '')
  expect(findApplication('src/deep/main.js', directory)).toMatchObject({
    directory,
    name: 'shop',
    dependencies: ['a', 'b'],
  })
  expect(findApplication(undefined, join(directory, 'src'))).toMatchObject({ name: 'shop' })
})

test('a broken package.json is as good as an empty one', () => {
  write('package.json', '{ "name":')
  expect(findApplication('main.js', directory)).toMatchObject({ directory, name: undefined, dependencies: [] })
})

test("instrumentations among the application's dependencies are used, and those that cannot be are named", () => {
  const prefix = '@opentelemetry/instrumentation-'
  const dependencies = { [`${prefix}toy`]: '1', [`${prefix}http`]: '1', [`${prefix}odd`]: '1', [`${prefix}gone`]: '1' }
  write('package.json', JSON.stringify({ dependencies }))
  const base = JSON.stringify(createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'))
  write(
    `node_modules/${prefix}toy/index.js`,
    `const { InstrumentationBase } = require(${base})
     exports.ToyInstrumentation = class extends InstrumentationBase {
       constructor(config = {}) {
         super('${prefix}toy', '1.0.0', config)
         this.conventions = process.env.OTEL_SEMCONV_STABILITY_OPT_IN
       }
       init() { return [] }
     }`,
  )
  write(`node_modules/${prefix}odd/index.js`, 'exports.nothing = 1')
  const application = findApplication('main.js', directory)
  const instrumentations = defaultInstrumentations(application, report)
  const names = instrumentations.map(shortName)
  expect(names).toEqual(['http', 'undici', 'express', 'koa', 'hono', 'toy'])
  expect(findings).toEqual([
    `${prefix}odd is among the dependencies but cannot be used: it exports no class named …Instrumentation`,
    expect.stringContaining(`${prefix}gone is among the dependencies but cannot be used: Cannot find module`),
  ])
  // Current names of attributes, unless the environment says otherwise.
  expect(instrumentations.at(-1)).toMatchObject({ conventions: 'http,database,messaging' })
  expect(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']).toBeUndefined()
  vi.stubEnv('OTEL_SEMCONV_STABILITY_OPT_IN', 'http/dup')
  expect(defaultInstrumentations(application, report).at(-1)).toMatchObject({ conventions: 'http/dup' })
  vi.unstubAllEnvs()
})

test.each([
  ['1.99.0', 1],
  ['1.0.0', 0],
])('a copy of the API with version %s gives %i findings', (version, count) => {
  const ours = dirname(createRequire(import.meta.url).resolve('@opentelemetry/api'))
  const theirs = join(directory, 'node_modules/@opentelemetry/api')
  cpSync(dirname(ours), theirs, { recursive: true })
  const versionFile = join(theirs, 'dist/version.cjs')
  writeFileSync(versionFile, readFileSync(versionFile, 'utf8').replace(/"\d+\.\d+\.\d+"/, `"${version}"`))
  trace.setGlobalTracerProvider(new TracerProvider())
  checkApiCopies(findApplication('main.js', directory), report)
  trace.disable()
  expect(findings).toHaveLength(count)
  if (count > 0) expect(findings[0]).toContain(theirs)
})
