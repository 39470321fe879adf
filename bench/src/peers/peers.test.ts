import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { choosePeers, PEERS, recipeOf } from './catalogue.ts'
import { findPeers, STAMPS } from './place.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'peers-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const recipes = Object.fromEntries(PEERS.map((peer) => [peer.name, recipeOf(peer)]))

it('finds those that were built as they are pinned, and no others', () => {
  expect(findPeers(folder).files).toEqual({})
  for (const name of ['otelcol', 'tracegen']) writeFileSync(join(folder, name), '')
  writeFileSync(join(folder, STAMPS), JSON.stringify({ ...recipes, tracegen: 'an older one' }))
  expect(findPeers(folder).files).toEqual({ otelcol: join(folder, 'otelcol') })
})

it('every peer is pinned to a version', () => {
  for (const peer of PEERS) {
    const versions =
      peer.from === 'pip'
        ? peer.packages
        : [peer.from === 'go' ? peer.package : peer.from === 'go release' ? peer.module : peer.builder]
    for (const text of versions) expect(text).toMatch(new RegExp(`[@=]v?${peer.version.replaceAll(/[.+]/g, '\\$&')}$`))
  }
})

it('those of the tutorial are built when they are asked for', () => {
  const names = (...wanted: string[]) => choosePeers(wanted).map(({ name }) => name)
  expect(names()).toEqual(['otelcol', 'jaeger', 'tracegen', 'telemetrygen', 'h2spec', 'python'])
  expect(names('tutorial')).toEqual(['tutorial-jaeger', 'tutorial-otelcol'])
  expect(names('tutorial', 'jaeger')).toEqual(['jaeger', 'tutorial-jaeger', 'tutorial-otelcol'])
  expect(() => names('tutor')).toThrow('there is no peer tutor')
})
