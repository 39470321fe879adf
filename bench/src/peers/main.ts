/**
 * `npm run peers -- [--dir DIR] [NAME...]`: builds the programs that the bench compares with and that are tried against, outside of
 * the repository; what is there in the pinned version stays. Without a name all but those of the tutorial (`tutorial`). Exit status: 0 when all that was asked for is there, 1 when something
 * could not be built, 2 for a wrong argument.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build, missingTool, toolOf, type Tool } from './build.ts'
import { choosePeers, GROUPS, PEERS, type Peer } from './catalogue.ts'
import { defaultPeersFolder, isBuilt } from './place.ts'

const { folder, peers } = readOptions()
await mkdir(folder, { recursive: true })
const say = (text: string) => process.stdout.write(`${text}\n`)
const wanted = peers.filter((peer) => !isBuilt(folder, peer))
const missing: Partial<Record<Tool, string | undefined>> = {}
for (const tool of new Set(wanted.map(toolOf))) missing[tool] = await missingTool(tool)

for (const peer of peers) {
  const label = `${peer.title} ${peer.version}`
  const lacking = wanted.includes(peer) ? missing[toolOf(peer)] : undefined
  if (!wanted.includes(peer)) say(`${label}: ${join(folder, peer.name)}`)
  else if (lacking !== undefined) fail(`${label}: not built. ${lacking}`)
  else await make(peer, label)
}

async function make(peer: Peer, label: string): Promise<void> {
  say(`${label}: building, some minutes …`)
  try {
    await build(folder, peer)
    say(`${label}: ${join(folder, peer.name)}`)
  } catch (error) {
    fail(`${label}: not built. ${(error as Error).message}`)
  }
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}

function readOptions(): { readonly folder: string; readonly peers: readonly Peer[] } {
  try {
    const { values, positionals } = parseArgs({ options: { dir: { type: 'string' } }, allowPositionals: true })
    return { folder: resolve(values.dir ?? defaultPeersFolder()), peers: choosePeers(positionals) }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    const names = [...PEERS.map(({ name }) => name), ...Object.keys(GROUPS)]
    process.stderr.write(`usage: npm run peers -- [--dir DIR] [${names.join(' ')}]\n`)
    return process.exit(2)
  }
}
