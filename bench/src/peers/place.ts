import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { PEERS, recipeOf, type Peer, type PeerName } from './catalogue.ts'

/** Where the peers are built when nothing else is said: outside of the repository, kept from one checkout to the next. */
export function defaultPeersFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const cache = environment['XDG_CACHE_HOME']
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'spoor', 'peers')
}

/** The recipe that each peer in a folder was built by, written when it is whole. */
export const STAMPS = 'built.json'

export type Stamps = Partial<Record<PeerName, string>>

export function readStamps(folder: string): Stamps {
  const file = join(folder, STAMPS)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Stamps) : {}
}

export const isBuilt = (folder: string, peer: Peer, stamps = readStamps(folder)): boolean =>
  stamps[peer.name] === recipeOf(peer) && existsSync(join(folder, peer.name))

/** The files of those that are built as they are pinned today, and what they are called. */
export interface Peers {
  readonly folder: string
  readonly files: Partial<Record<PeerName, string>>
}

export function findPeers(folder: string): Peers {
  const stamps = readStamps(folder)
  const built = PEERS.filter((peer) => isBuilt(folder, peer, stamps))
  return { folder, files: Object.fromEntries(built.map(({ name }) => [name, join(folder, name)])) }
}
