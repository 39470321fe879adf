/**
 * Whether a password is a user's. Slow hashes are made on a thread of their own; what came of one is kept, so that a sender costs that once. What is kept
 * is keyed by a digest, never by the password, and bounded.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { CollectorError } from '../../component/index.ts'
import { createTurns } from '../../otlp-protocol/turns.ts'
import type { HashRequest } from './hash-thread.ts'
import { isSlow, matchesFast, type Secret } from './htpasswd.ts'

/** Pairs of user and password whose result is kept, right ones and wrong ones. */
const MOST_KEPT = 1000
/** Passwords that wait for the thread. Beyond it senders are told to come again. */
const MOST_WAITING = 64
/** Of the thread's heap. */
const MOST_HEAP_MIB = 64

export interface Verifier {
  /** Rejects with `overloaded` when too many are being looked at, `unavailable` when it was closed. */
  verify(user: string, password: string): boolean | Promise<boolean>
  /** Other users from now on. */
  use(users: ReadonlyMap<string, Secret>): void
  /** Ends the thread. */
  close(): Promise<void>
}

export function createVerifier(): Verifier {
  const key = randomBytes(32)
  const turns = createTurns(1, MOST_WAITING, 'passwords wait to be compared')
  let users: ReadonlyMap<string, Secret> = new Map()
  /** The one that was asked for last at the end. */
  let known = new Map<string, boolean | Promise<boolean>>()
  let thread: Worker | undefined
  let closed = false

  const ask = async (request: HashRequest): Promise<boolean> => {
    const leave = await turns.enter()
    try {
      if (closed) throw new CollectorError('unavailable', 'the collector is shutting down')
      const worker = (thread ??= start())
      return await new Promise<boolean>((resolve, reject) => {
        const onEnd = (): void => {
          thread = undefined
          reject(new CollectorError('unavailable', 'the thread that compares passwords has ended; try again'))
        }
        worker.once('exit', onEnd)
        worker.once('message', (matches: boolean) => {
          worker.off('exit', onEnd)
          resolve(matches)
        })
        worker.postMessage(request, [])
      })
    } finally {
      leave()
    }
  }

  const keep = (digest: string, result: boolean | Promise<boolean>): void => {
    known.delete(digest)
    known.set(digest, result)
    if (known.size > MOST_KEPT) known.delete(known.keys().next().value!)
  }

  return {
    verify(user, password) {
      const secret = users.get(user)
      if (!secret) return false
      if (!isSlow(secret)) return matchesFast(secret, password)
      const digest = createHmac('sha256', key).update(`${user}:${password}`).digest('base64')
      const before = known.get(digest)
      if (before !== undefined) {
        keep(digest, before)
        return before
      }
      const kept = known
      const asked = ask({ secret, password }).then(
        (matches) => {
          if (kept === known && known.get(digest) === asked) known.set(digest, matches)
          return matches
        },
        (error: unknown) => {
          kept.delete(digest)
          throw error
        },
      )
      keep(digest, asked)
      return asked
    },
    use(fresh) {
      users = fresh
      known = new Map()
    },
    async close() {
      closed = true
      await thread?.terminate()
    },
  }
}

function start(): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./hash-thread.${extension}`, import.meta.url), {
    name: 'spoor-passwords',
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB, maxYoungGenerationSizeMb: 8 },
  })
  worker.unref()
  // Its end is told by another event, to whoever waits.
  worker.on('error', () => {})
  return worker
}
