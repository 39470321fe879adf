import { createRequire } from 'node:module'
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { expect, test } from 'vitest'
import { missedModules, modulesToPatch } from './instrumentations.ts'

const require = createRequire(import.meta.url)

test('a package is missed when it was loaded before its instrumentation, and only then', () => {
  const early = [new ExpressInstrumentation(), new HttpInstrumentation()]
  expect(modulesToPatch(early)).toEqual(['express', 'https', 'http'])
  expect(missedModules(early)).toEqual([])
  require('express')
  expect(missedModules(early)).toEqual([])
  expect(missedModules([new ExpressInstrumentation()])).toEqual([
    'express was imported before tracing started and is not instrumented; start with node --import @spoor/instrument/register',
  ])
})
