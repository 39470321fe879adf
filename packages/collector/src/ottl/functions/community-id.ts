/** What a connection is called by those who look at networks. Source: the specification of Community ID, version 1. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import { int, optional, string } from '../parameters.ts'

const PROTOCOLS: Readonly<Record<string, number>> = { ICMP: 1, TCP: 6, UDP: 17, RSVP: 46, ICMP6: 58, SCTP: 132 }

interface End {
  readonly address: Buffer
  readonly port: number
}

function shortOf(value: bigint, what: string): number {
  if (value < 0n || value > 0xffffn) throw new EvaluationError(`the ${what} is from 0 to 65535, not ${value}`)
  return Number(value)
}

/** 4 bytes, or 16; an address of version 4 that is written as one of version 6 has 4. */
function addressOf(text: string, what: string): Buffer {
  const version = text.includes('%') ? 0 : isIP(text)
  if (version === 0) throw new EvaluationError(`the ${what} is no IP address: ${JSON.stringify(text.slice(0, 100))}`)
  if (version === 4) return Buffer.from(text.split('.').map(Number))
  const [front = '', back] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const wordsOf = (part = ''): number[] => part.split(':').flatMap((word) => (word === '' ? [] : parseInt(word, 16)))
  const [before, after] = [wordsOf(front), wordsOf(back)]
  const words = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  const bytes = Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]))
  return words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff ? bytes.subarray(12) : bytes
}

/** The end with the lower address, or port, is the first, so that both directions have one name. */
function inOrder(source: End, destination: End): readonly [End, End] {
  const byLength = source.address.length - destination.address.length
  const order = byLength || Buffer.compare(source.address, destination.address) || source.port - destination.port
  return order > 0 ? [destination, source] : [source, destination]
}

function communityId(source: End, destination: End, protocol: number, seed: number): string {
  const [first, second] = inOrder(source, destination)
  const short = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
  const hash = createHash('sha1')
  hash.update(short(seed)).update(first.address).update(second.address)
  hash.update(Uint8Array.of(protocol, 0)).update(short(first.port)).update(short(second.port))
  return `1:${hash.digest('base64')}`
}

export const COMMUNITY_ID = [
  defineFunction(
    'CommunityID',
    {
      sourceIp: string,
      sourcePort: int,
      destinationIp: string,
      destinationPort: int,
      protocol: optional(string),
      seed: optional(int),
    },
    (given) => (item) => {
      const source = {
        address: addressOf(given.sourceIp.get(item), 'address of the source'),
        port: shortOf(given.sourcePort.get(item), 'port of the source'),
      }
      const destination = {
        address: addressOf(given.destinationIp.get(item), 'address of the destination'),
        port: shortOf(given.destinationPort.get(item), 'port of the destination'),
      }
      const name = given.protocol?.get(item) ?? 'TCP'
      const protocol = PROTOCOLS[name]
      if (protocol === undefined)
        throw new EvaluationError(
          `unknown protocol ${JSON.stringify(name)}; known: ${Object.keys(PROTOCOLS).join(', ')}`,
        )
      return communityId(source, destination, protocol, shortOf(given.seed?.get(item) ?? 0n, 'seed'))
    },
  ),
]
