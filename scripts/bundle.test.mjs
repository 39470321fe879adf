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

/** The text of a file of the bundle and of all that it loads with it. */
function loadedBy(name, seen = new Map()) {
  if (seen.has(name)) return seen
  const text = readFileSync(join(bundle, name), 'utf8')
  seen.set(name, text)
  for (const [, other] of text.matchAll(/^(?:import|export) (?:[^;\n]*? from )?"\.\/([^"]+)";$/gm))
    loadedBy(other, seen)
  return seen
}
const modulesIn = (texts) =>
  [...texts].flatMap((text) => [...text.matchAll(/^\/\/ ((?:packages|node_modules)\/\S+)$/gm)].map(([, name]) => name))

it('has a file for each thread, which loads no other', () => {
  for (const name of ['reader', 'writer', 'sealer', 'conversion-thread', 'findings-worker'])
    expect([...loadedBy(`${name}.js`).keys()]).toEqual([`${name}.js`])
})

it('loads no store for a collector, and for nobody what no start calls', () => {
  const modules = modulesIn(loadedBy('program.js').values())
  expect(modules).toContain('packages/collector/dist/collector.js')
  expect(
    modules.filter((name) =>
      /^packages\/(?:storage\/dist\/local\/(?!threads\/early)|collector\/dist\/(?:processors|exporters|ottl))\//.test(
        name,
      ),
    ),
  ).toEqual([])
  const all = modulesIn(loadedBy('spoor.js').values())
  expect(all).toContain('packages/storage/dist/local/threads/local-store.js')
  expect(
    all.filter((name) =>
      /^node_modules\/(?:ajv|json-schema-ref-resolver|light-my-request|glob|undici|re2js)\//.test(name),
    ),
  ).toEqual([])
})
