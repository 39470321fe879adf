/**
 * The ledger of senders: for each receiver, port, peer address (its port left out) and user agent, what came of its requests and what they say of
 * where they come from. Bounded: the sender that was seen longest ago goes when another comes, and is counted.
 */
import type { Http2Session } from 'node:http2'
import type { Counters, Ledger, LedgerDoor, LedgerReport, Logger, Peer } from '../component/index.ts'
import { RefusalLog } from './refusal-log.ts'
import { Sender, type SenderKey } from './sender.ts'
import { keep } from './text.ts'

const DEFAULT_CAPACITY = 1_000
const MAX_USER_AGENT_CHARS = 200

export interface LedgerOptions {
  readonly logger: Logger
  readonly counters: Counters
  /** Senders, default 1,000. */
  readonly capacity?: number
}

export function createLedger({ logger, counters, capacity = DEFAULT_CAPACITY }: LedgerOptions): Ledger {
  const log = new RefusalLog(logger)
  const senders = new Map<string, Sender>()
  const forgotten = counters.counter('spoor_ledger_forgotten_senders', {})
  counters.gauge('spoor_ledger_senders', {}, () => senders.size)

  function senderOf(key: SenderKey): Sender {
    const text = `${key.receiver}\n${key.transport}\n${key.peer}\n${key.userAgent}`
    let sender = senders.get(text)
    if (!sender) {
      if (senders.size >= capacity) forgetOne()
      senders.set(text, (sender = new Sender(key, log)))
    }
    return sender
  }

  function forgetOne(): void {
    let oldest: [string, Sender] | undefined
    for (const entry of senders) if (!oldest || entry[1].lastSeenMs < oldest[1].lastSeenMs) oldest = entry
    if (!oldest) return
    senders.delete(oldest[0])
    oldest[1].isForgotten = true
    forgotten.value++
  }

  return {
    door: (receiver, transport) => createDoor(receiver, transport, senderOf),
    report(): LedgerReport {
      const nowMs = Date.now()
      const all = [...senders.values()].toSorted((a, b) => b.lastSeenMs - a.lastSeenMs)
      return { capacity, forgotten: forgotten.value, senders: all.map((sender) => sender.report(nowMs)) }
    },
  }
}

function createDoor(receiver: string, transport: string, senderOf: (key: SenderKey) => Sender): LedgerDoor {
  /** Of each connection, the sender of its last request. */
  const last = new WeakMap<Peer | Http2Session, { readonly userAgent: string; readonly sender: Sender }>()
  return {
    sender(connection, userAgent = '') {
      const known = connection && last.get(connection)
      if (known && known.userAgent === userAgent && !known.sender.isForgotten) return known.sender
      const peer = addressOf(connection)
      const sender = senderOf({ receiver, transport, peer, userAgent: keep(userAgent, MAX_USER_AGENT_CHARS) })
      if (connection) last.set(connection, { userAgent, sender })
      return sender
    },
  }
}

/** IPv4 as it is, also where it came by a socket for both. */
function addressOf(connection: Peer | Http2Session | undefined): string {
  try {
    const socket = connection && 'socket' in connection ? connection.socket : connection
    return (socket?.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
  } catch {
    // A session that has ended has no socket any more.
    return ''
  }
}
