/**
 * A process that ingests until it is killed. argv: directory, number of the first trace, and how many it ingests before it does nothing more but seal its
 * small segments (default: it goes on). Each acknowledged trace's number is a line on
 * stdout, written before anything else happens; a rejected one is `rejected <code>`.
 */
import { writeSync } from 'node:fs'
import { batchOf, sent } from '../../conformance/spans.ts'
import { openLocalStore } from './local-store.ts'

const [directory, first, count] = process.argv.slice(2)
const WORKERS = 4
const SPANS = 8
const store = await openLocalStore({ directory: directory!, segmentBytes: count === undefined ? 256 * 1024 : 8_000 })
let next = Number(first)
const end = count === undefined ? Infinity : next + Number(count)
writeSync(1, 'open\n')
await Promise.all(
  Array.from({ length: WORKERS }, async () => {
    while (next < end) {
      const trace = next++
      const batch = batchOf(
        ...Array.from({ length: SPANS }, (_, i) => sent({ trace, id: i + 1, service: `s${i}`, at: trace })),
      )
      try {
        await store.append(batch)
        writeSync(1, `${trace}\n`)
      } catch (error) {
        writeSync(1, `rejected ${(error as { code?: string }).code}\n`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }),
)
