import { describe } from 'vitest'
import { aggregates } from './aggregates.ts'
import { catalogue } from './catalogue.ts'
import { dependencies } from './dependencies.ts'
import { extremes } from './extremes.ts'
import type { OpenStore } from './harness.ts'
import { limits } from './limits.ts'
import { paging } from './paging.ts'
import { pinning } from './pins.ts'
import { searching } from './search.ts'
import { sets } from './sets.ts'
import { tailing } from './tailing.ts'
import { writeAndRead } from './write-and-read.ts'

/** A test asks an engine hundreds of things; a slow machine takes more than vitest's five seconds for it. */
const TIMEOUT_MS = 60_000

/**
 * Defines the vitest suite that every engine passes. `open` opens the engine on a directory; called again with the same directory it
 * finds what was stored there. An engine without files takes the directory as a name. `timeoutMs`: of one test. Needs vitest and fast-check.
 */
export function traceStoreConformance(name: string, open: OpenStore, timeoutMs = TIMEOUT_MS): void {
  describe(`${name} keeps the TraceStore contract`, { timeout: timeoutMs }, () => {
    describe('writes and reads', () => writeAndRead(open))
    describe('says what there is', () => catalogue(open))
    describe('searches', () => searching(open))
    describe('searches by sets of spans', () => sets(open))
    describe('goes on page by page', () => paging(open))
    describe('tells about many', () => aggregates(open))
    describe('counts calls between services', () => dependencies(open))
    describe('pins traces', () => pinning(open))
    describe('tells what comes', () => tailing(open))
    describe('keeps its limits', () => limits(open))
    describe('stands what is out of all proportion', () => extremes(open))
  })
}
