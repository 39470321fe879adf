import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { expect, it } from 'vitest'
import { escaped } from './bundle.mjs'

const bundle = join(import.meta.dirname, '../packages/server/dist/bundle')

it('is the same program in ASCII', () => {
  const code = "[`…${'’'}`, /^[à-ö–—]+$/.test('é–'), 'a\\\\é', '\u{1f600}'.length, /^\u{1f600}$/u.test('\u{1f600}')]"
  const ascii = escaped(code)
  expect(ascii).toMatch(/^[ -~]+$/)
  expect(runInThisContext(ascii)).toEqual(runInThisContext(code))
  expect(runInThisContext(ascii)).toEqual(['…’', true, 'a\\é', 2, true])
})

it('refuses what would be another program', () => {
  const behind = 'write it as an escape, it cannot be made one in the bundle: '
  expect(() => escaped("'\\…'")).toThrow(`${behind}\\…`)
  expect(() => escaped("'\\\\\\…'")).toThrow(behind)
  expect(() => escaped('String.raw`a ${b} \\d…`')).toThrow(behind)
  expect(escaped('String.raw`a` + `…`')).toBe('String.raw`a` + `\\u2026`')
})

it('has no text of which V8 would keep two bytes for each character', () => {
  const files = readdirSync(bundle).filter((name) => name.endsWith('.js'))
  expect(files).toContain('main.js')
  expect(files.filter((name) => /[^\0-\xff]/.test(readFileSync(join(bundle, name), 'utf8')))).toEqual([])
})
