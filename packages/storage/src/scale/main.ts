/**
 * The long form of `scale.test.ts`: `npm run scale -- [spans] [directory] [logs]`, ten million by default, of which the last segments, or with `logs` as many, are not
 * sealed. A directory that is given is kept, and used again when it is there.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../local/threads/local-store.ts'
import { sealAll } from '../local/tools/store.test.helper.ts'
import { fill } from './corpus.ts'
import { checkWork } from './work.ts'

const [spans = '10000000', given, logs = '2'] = process.argv.slice(2)
const directory = given ?? mkdtempSync(join(tmpdir(), 'spoor-scale-'))
try {
  if (!given || !existsSync(given)) {
    console.log(`storing ${spans} spans in ${directory}`)
    const store = await openLocalStore({ directory, maxBytes: Infinity, seal: false })
    await fill(store, Number(spans))
    await store.close()
    await sealAll(directory, Number(logs))
  }
  await checkWork(directory, (line) => console.log(line))
} finally {
  if (!given) rmSync(directory, { recursive: true, force: true })
}
