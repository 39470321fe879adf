/** A thread of the engine as it is in the program, that can be told to fail: word `part` of the shared memory says how. */
import { openSync } from 'node:fs'
import { getEnvironmentData, workerData } from 'node:worker_threads'
import type { PartStart } from './protocol.ts'

const { part } = workerData as PartStart
const { words, fifo } = getEnvironmentData('faults') as { words: Int32Array; fifo: string }
const word = ['writer', 'lookup_reader', 'search_reader', 'sealer'].indexOf(part)
setInterval(() => {
  switch (Atomics.exchange(words, word, 0)) {
    case 1:
      throw new Error('told to crash')
    case 2:
      for (;;);
    case 3: {
      // Pieces as small as can be: V8 has ended the process over some of 8 kB, and does so over one that is larger than what Node allows beyond the limit. And it
      // answers its supervisor meanwhile: a busy machine takes longer for that much garbage than a part may be silent.
      let hoard: unknown[] = []
      const more = (): void => {
        for (let piece = 0; piece < 10_000; piece++) hoard = [hoard, piece]
        setImmediate(more)
      }
      more()
      break
    }
    case 4:
      openSync(fifo, 'r') // Returns when somebody opens it to write.
      break
    case 5:
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}, 2)
await import(part.endsWith('reader') ? './reader.ts' : `./${part}.ts`)
