import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Prints the packages of which importing the collector loads modules. */
const PROGRAM = `
import { registerHooks } from 'node:module'
const found = new Set()
registerHooks({
  load(url, context, next) {
    found.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1])
    return next(url, context)
  },
})
await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)})
console.log(JSON.stringify([...found].filter((name) => name !== undefined).sort()))`

test('a start loads no package that only some configurations need', async () => {
  const options = ['--conditions=@spoor/source', '--input-type=module', '--eval', PROGRAM]
  const { stdout } = await promisify(execFile)(process.execPath, options)
  expect(JSON.parse(stdout)).toEqual(['yaml', 'zod'])
})
