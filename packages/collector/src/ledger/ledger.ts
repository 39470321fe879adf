/**
 * The ledger of senders: for each receiver, port, peer address (its port left out) and user agent, what came of its requests and what they say of
 * where they come from. Bounded: the sender that was seen longest ago goes when another comes, and is counted.
 */
import type { Http2Session } from 'node:http2'
import {
  byGravity,
  formatHostPort,
  type Attention,
  type Counters,
  type Ledger,
  type LedgerDoor,
  type LedgerReport,
  type Logger,
  type Peer,
  type PortTraits,
  type SenderReport,
  type Surroundings,
} from '../component/index.ts'
import type { SenderKey } from './happening.ts'
import { attentionOf, Processes } from './processes.ts'
import { RefusalLog } from './refusal-log.ts'
import { Sender } from './sender.ts'
import { keep } from './text.ts'

const DEFAULT_CAPACITY = 1_000
const MAX_USER_AGENT_CHARS = 200

export interface LedgerOptions {
  readonly logger: Logger
  readonly counters: Counters
  /** Senders, default 1,000. */
  readonly capacity?: number
  /** For the lines that mend. Default: a collector alone. */
  readonly surroundings?: () => Surroundings
}

const ALONE: Surroundings = { isOwnConfig: false }
/** Of the whole ledger that is told. */
const MAX_ATTENTION = 100

export function createLedger(options: LedgerOptions): Ledger {
  const { logger, counters, capacity = DEFAULT_CAPACITY, surroundings = () => ALONE } = options
  const log = new RefusalLog(logger)
  const senders = new Map<string, Sender>()
  const processes = new Processes()
  const forgotten = counters.counter('spoor_ledger_forgotten_senders', {})
  counters.gauge('spoor_ledger_senders', {}, () => senders.size)

  function senderOf(key: SenderKey, traits: PortTraits): Sender {
    const text = `${key.receiver}\n${key.transport}\n${key.port}\n${key.peer}\n${key.userAgent}`
    let sender = senders.get(text)
    if (!sender) {
      if (senders.size >= capacity) forgetOne()
      senders.set(text, (sender = new Sender(key, traits, surroundings, log, processes)))
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
    door: (receiver, transport, traits = { named: transport, hasTls: false }) =>
      createDoor(receiver, transport, (key) => senderOf(key, traits)),
    report(): LedgerReport {
      const nowMs = Date.now()
      const all = [...senders.values()]
        .toSorted((a, b) => b.lastSeenMs - a.lastSeenMs)
        .map((sender) => sender.report(nowMs))
      const reports = processes.report(nowMs)
      const attention = [...joined(all), ...attentionOf(reports)].sort(byGravity).slice(0, MAX_ATTENTION)
      return { capacity, forgotten: forgotten.value, senders: all, processes: reports, attention }
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
      const { port, peer } = endsOf(connection)
      const sender = senderOf({ receiver, transport, port, peer, userAgent: keep(userAgent, MAX_USER_AGENT_CHARS) })
      if (connection) last.set(connection, { userAgent, sender })
      return sender
    },
  }
}

function endsOf(connection: Peer | Http2Session | undefined): Pick<SenderKey, 'port' | 'peer'> {
  try {
    const socket = connection && 'socket' in connection ? connection.socket : connection
    const { remoteAddress, localAddress, localPort } = socket ?? {}
    const port =
      localAddress === undefined || localPort === undefined ? '' : formatHostPort(plain(localAddress), localPort)
    return { port, peer: plain(remoteAddress ?? '') }
  } catch {
    // A session that has ended has no socket any more.
    return { port: '', peer: '' }
  }
}

/** IPv4 as it is, also where it came by a socket for both. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}

/** What senders of one kind have in common is told once: programs of one kind on many machines are set up alike. */
function joined(senders: readonly SenderReport[]): Attention[] {
  const all = new Map<string, { first: Attention; count: number; senders: number; firstSeenMs: number }>()
  for (const { userAgent, port, attention } of senders)
    for (const one of attention) {
      const key = `${one.code}\n${userAgent}\n${port}\n${one.what}`
      const known = all.get(key)
      if (!known) all.set(key, { first: one, count: one.count, senders: 1, firstSeenMs: one.firstSeenMs })
      else {
        known.count += one.count
        known.senders++
        known.firstSeenMs = Math.min(known.firstSeenMs, one.firstSeenMs)
      }
    }
  return [...all.values()].map(({ first, count, senders: number, firstSeenMs }) => ({
    ...first,
    where: number === 1 ? first.where : `${first.where}; and ${number - 1} more`,
    count,
    firstSeenMs,
  }))
}
