import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runApp } from './testkit/run-app.ts'

let directory: string

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'spoor-hooks-')))
  const write = (file: string, content: string): void => {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), content)
  }
  const instrumentation = '@opentelemetry/instrumentation-toy'
  const base = JSON.stringify(createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'))
  write('package.json', JSON.stringify({ dependencies: { toy: '1', [instrumentation]: '1' } }))
  write('node_modules/toy/package.json', '{ "name": "toy", "version": "1.0.0" }')
  // Getters, as TypeScript makes them of what is exported on.
  write(
    'node_modules/toy/index.js',
    `exports.play = exports.other = void 0
     const parts = { play: () => 'plain' }
     Object.defineProperty(exports, 'play', { enumerable: true, get: function () { return parts.play; } })
     exports.other = () => 'other'`,
  )
  write(
    `node_modules/${instrumentation}/index.js`,
    `const { InstrumentationBase, InstrumentationNodeModuleDefinition } = require(${base})
     exports.ToyInstrumentation = class extends InstrumentationBase {
       constructor(config = {}) { super('${instrumentation}', '1.0.0', config) }
       init() {
         return new InstrumentationNodeModuleDefinition('toy', ['*'], (exports) => {
           this._wrap(exports, 'play', (play) => () => 'traced ' + play())
           return exports
         })
       }
     }`,
  )
  write('default.mjs', "import toy from 'toy'; console.log(toy.play(), toy.other())")
  write('namespace.mjs', "import * as toy from 'toy'; console.log(toy.play(), toy.other())")
  write('named.mjs', "import { play, other } from 'toy'; console.log(play(), other())")
  write('required.cjs', "const toy = require('toy'); console.log(toy.play(), toy.other())")
})

afterAll(() => rmSync(directory, { recursive: true }))

test.each(['default.mjs', 'namespace.mjs', 'named.mjs', 'required.cjs'])(
  'a CommonJS package is instrumented however it is taken: %s',
  async (file) => {
    const run = await runApp(join(directory, file), { env: { SPOOR_QUIET: '1' } })
    expect(run).toMatchObject({ code: 0, stdout: 'traced plain other\n', stderr: '' })
  },
)
