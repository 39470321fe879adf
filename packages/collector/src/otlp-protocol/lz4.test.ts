import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tracesRequest } from '../testkit/index.ts'
import { lz4Length, packLz4, unpackLz4 } from './lz4.ts'

/** What the reference library makes of {@link BODY}, by way of python-lz4: with all checksums, and with its length. */
const CHECKSUMS =
  'BCJNGHRAvTwBAAD/GHNlcnZpY2UubmFtZT1jaGVja291dDtodHRwLnJvdXRlPS9jYXJ0OycA///////j//EAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt7u/w8fLz9PX29/j5+vv8/f7/AAHoUPv8/f7/d88GjQAAAAC5d9BK'
const LENGTH =
  'BCJNGGhAGAgAAAAAAABgPAEAAP8Yc2VydmljZS5uYW1lPWNoZWNrb3V0O2h0dHAucm91dGU9L2NhcnQ7JwD//////+P/8QABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8AAehQ+/z9/v8AAAAA'
const BODY = Buffer.concat([
  Buffer.from('service.name=checkout;http.route=/cart;'.repeat(40)),
  Buffer.from(Array.from({ length: 512 }, (_, index) => index & 0xff)),
])
/** The same of {@link LONG}: its blocks copy out of those before. */
const LINKED =
  'BCJNGExA8EkCAAAAAAAahAYAAP//CgC7dzPvq2Yi3ppWEc2JRQG8eDTwrGcj35tXEs6KRgK9eTXxrWgk4JxYE8+LRwO+ejbyrmkl4Z1ZFNCMSAS/ezfzr2om4p5aFtGNSQXBfDj0sGwn459bF9KOSgbCfTn1sW0o5KBcGNOPSwfDfjr2sm4p5aFdGdSQTAjEfzv3s28q5qJeGtWRTQnFgDz4tHAs56NfG9eSTgrGgj35tXEt6KRgHNiTTwvHgz76tnIu6aVhHdmUUAzIhD/7t3Mv6qZiHtqVUQ3JhUD8uHQw66djH9uWUg7KhkL9uXUx7ahkINyYUw/Lh0P+unYy7qllId2ZVBDMiET/u3cz76pmIt6aVRHNiUUAvHg08KtnI9+bVhLOikYBvXk18az0ABD/FRXRjUkFwHw49LBrJ+OfWxbSjkoGwX059bFsKOSgXBfTj0sHwvQAEP8QK+ejXxvWkk4KxoE9+bVxLOikYBzXk08Lx4I++rZyLfQAFf8QQf25dTHsqGQg3JdTD8uHQv66djLtqWUh3ZhUEMyIQ/QAFf8QVxPPi0cCvno28q1pJeGdWBTQjEgDv3s3865qJuKeWfQAFf8QbSnloV0Y1JBMCMN/O/ezbirmol4Z1ZFNCcSAPPi0b/QAEP8V2JRQDMiDP/u3cy7qpmIe2ZVRDcmEQPy4dC/rp2Mf2pZSDsqF9AAQ/xDuqmYi3plVEc2JRAC8eDTvq2cj35pWEs6KRQG9eTXw9AAV8RAEwHw49K9rJ+OfWhbSjkoFwX059bBsKOSgWxfTj0sG6AEP9AAQ/xAa1pJOCsWBPfm1cCzopGAb15NPC8aCPvq2cS3ppWEc9AAV/xAw7KhkINuXUw/LhkL+unYx7allIdyYVBDMh0P/u3cy9AAQ/xWbVxPPi0YCvno28a1pJeGcWBTQjEcDv3s38q5qJuKdWRXRjUj0ABDxELFtKeWhXBjUkEwHw38797JuKuaiXRnVkU0IxIA8+LPoAQ/0ABDxEMeDP/u3ci7qpmId2ZVRDciEQPy4cy/rp2Me2pZSDsnoAQ/0ABD/EN2ZVRHNiEQAvHgz76tnI96aVhLOiUUBvXk08KxoJN/0ABX/EPOvayfjnloW0o5JBcF9OfSwbCjkn1sX049KBsJ+OvX0ABD/FV4a1pJOCcWBPfm0cCzopF8b15NPCsaCPvq1cS3ppWAc2JRQC/QAEPEQdDDsqGQf25dTD8qGQv66dTHtqWUg3JhUEMuHQ/+7dugBD/QAEPEQikYCvno18a1pJeCcWBTQi0cDv3s28q5qJuGdWRXRjOgBD/QAEP8QoFwY1JBLB8N/O/aybirmoV0Z1ZFMCMSAPPezbyvnovQAFf8QtnIu6qZhHdmVUQzIhED8t3Mv66diHtqWUg3JhUH9uPQAEP8VId2ZVRHMiEQAvHcz76tnIt6aVhLNiUUBvXg08KxoI9+bVxPO9AAQ8RA3869rJ+KeWhbSjUkFwX049LBsKOOfWxfTjkoGwn456AEP9AAQ8RBNCcWBPfi0cCzoo18b15NOCsaCPvm1cS3ppGAc2JRP6AEP9AAQ/xBjH9uXUw7KhkL+uXUx7alkINyYVA/Lh0P/unYy7qpl9AAV/xB5NfGtaSTgnFgUz4tHA796NvKuaiXhnVkV0IxIBMB79AAQ/xXkoFwY1I9LB8N/OvaybirloV0Z1ZBMCMSAO/ezbyvmol4a1pH0ABDxEPq2ci7qpWEd2ZVQDMiEQPu3cy/rpmIe2pZRDcmFQfzoAQ/0ABBPEMyIRKMIDA/0ABEPowgQD/QAEQ+jCBAP9AAMX6djH9uXowgQD/QADA+XCRAP9AARD5cJEA/0ABEPowgQD/QAEQ+jCBAPiwoRD6MIEB/DlwkuD/QAEQ+XCRAP9AARD6MIAw8hAi8PuAv/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////4lDBfDj0sA4BAAAPr/8lDxj2/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////7BQXBjUj0vOBQAA/94Hw3869rJuKuWhXRnVkEwIxIA797NvK+aiXhrWkU0JxYE9+LRwLOijXxvXk04KxoI++bVxLemkYBzYlE8Lx4M/+rZyLuqlYR3ZlVAMyIRA+7dzL+umYh7allENyYVB/Lh0MOyoYx/bl1MOyoZC/rl1Me2pZCDcmFQPy4dD/7p2Mu6qZSHdmVUQzIhEALt3M++rZiLemlYRzYlFAbx4NPCsZyPfm1cSzopGAr55NfGtaSTgnFgUz4tHA796NvKuaiXhnVkV0IxIBMB7N/OvaybinloW0Y1JBcF8OPSwbCfjn1sX0o5KBsJ9OfWxbSj0ABX/EDz4tHAs56NfG9eSTgrGgj35tXEt6KRgHNiTTwvHgz70ABD/FadjH9uXUg7KhkL9uXUx7ahkINyYUw/Lh0P+unYy7qllId2ZVPQAEP8QvXk18a1oJOCcWBPPi0cDvno28q5pJeGdWRTQjEgEv/QAFfEQ049LB8N+OvaybinloV0Z1JBMCMR/O/ezbyrmol4a1egBD/QAEP8Q6aVhHdmUUAzIhD/7t3Mv6qZiHtqVUQ3JhUD8uHQw6/QAFf8Q/7t3M++qZiLemlURzYlFALx4NPCrZyPfm1YSzopGAfQAEP8VaibinloV0Y1JBcB8OPSwayfjn1sW0o5KBsF9OfWxbCjkoFwX9AAQ8RCAPPi0cCvno18b1pJOCsaBPfm1cSzopGAc15NPC8eC6AEP9AAQ8RCWUg7KhkH9uXUx7KhkINyXUw/Lh0L+unYy7allId2Y6AEP9AAQ/wesaCTgnFcTz4tHAr56NvKtaSXhnVgUFQMMDy0BFQ8VAwwPLQEVDxUDDA8tARUPFQMMDy0BFQ8VAwcPIQIVH8IVAwsPIQIQHy30ABUPIQILH0P0ABUNIQLv0IxIA797N/OuaibinlkVAxAB9AD/EG0p5aFdGNSQTAjDfzv3s24q5qJeGdWRTQnEgDz4tG8VAwsB9AD/FdiUUAzIgz/7t3Mu6qZiHtmVUQ3JhED8uHQv66djH9qWUg7KhfQAEP8Q7qpmIt6ZVRHNiUQAvHg076tnI9+aVhLOikUBvXk18BUDAw70AP8QBMB8OPSvayfjn1oW0o5KBcF9OfWwbCjkoFsX049LBvQAFf8QGtaSTgrFgT35tXAs6KRgG9eTTwvGgj76tnEt6aVhHPQAFf8QMOyoZCDbl1MPy4ZC/rp2Me2pZSHcmFQQzIdD/7t3MvQAEP8Vm1cTz4tGAr56NvGtaSXhnFgU0IxHA797N/KuaibinVkV0Y1I9AAQ8RCxbSnloVwY1JBMB8N/O/eybirmol0Z1ZFNCMSAPPiz6AEP9AAQ8RDHgz/7t3Iu6qZiHdmVUQ3IhED8uHMv66djHtqWUg7J6AEP9AAQ/xDdmVURzYhEALx4M++rZyPemlYSzolFAb15NPCsaCTf9AAV/xDzr2sn455aFtKOSQXBfTn0sGwo5J9bF9OPSgbCfjr19AAQ/xVeGtaSTgnFgT35tHAs6KRfG9eTTwrGgj76tXEt6aVgHNiUUAv0ABDxEHQw7KhkH9uXUw/KhkL+unUx7allINyYVBDLh0P/u3boAQ/0ABDxEIpGAr56NfGtaSXgnFgU0ItHA797NvKuaibhnVkV0YzoAQ/0ABD/EKBcGNSQSwfDfzv2sm4q5qFdGdWRTAjEgDz3s28r56L0ABX/ELZyLuqmYR3ZlVEMyIRA/LdzL+unYh7allINyYVB/bj0ABDxFCHdmVURzIhEALx3M++rZyLemlYSzYlFAb14NPCsaCPfm1cT0AkP9AAM8RA3869rJ+KeWhbSjUkFwX049LBsKOOfWxfTjkoGwn456AEP9AAQD8QKEA/0ABEPxAoQD/QAEQ/EChAP9AAMD8QKFQ+4C///////////////////////////////////////////////////////////////////////////////////PVAl4Z1YFAAAAABvcsbr'
const LONG = Buffer.concat(
  Array<Buffer>(50).fill(
    Buffer.from(Array.from({ length: 3000 }, (_, index) => Number(((BigInt(index) * 2654435761n) >> 13n) & 0xffn))),
  ),
)

function run(work: Generator<void, Uint8Array, void>): { bytes: Buffer; turns: number } {
  for (let turns = 1; ; turns++) {
    const { done, value } = work.next()
    if (done) return { bytes: Buffer.from(value), turns }
  }
}

function unpack(input: Uint8Array): Buffer {
  return run(unpackLz4(input, lz4Length(input) ?? 0)).bytes
}

const randoms = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, index) => (Math.imul(index, 2654435761) >>> 13) & 0xff))

describe('frames of another make', () => {
  test.each([
    ['with checksums', CHECKSUMS, BODY],
    ['with their length', LENGTH, BODY],
    ['of blocks that are not independent', LINKED, LONG],
  ])('%s', (_, text, body) => {
    const input = Buffer.from(text, 'base64')
    expect(lz4Length(input)).toBe(body.length)
    expect(unpack(input).equals(body)).toBe(true)
    expect(unpack(Buffer.concat([input, input])).equals(Buffer.concat([body, body]))).toBe(true)
  })

  test('each byte of it counts: header, blocks, checksums', () => {
    const input = Buffer.from(CHECKSUMS, 'base64')
    for (let at = 0; at < input.length; at++) {
      const damaged = Buffer.from(input)
      damaged[at]! ^= 1
      expect(() => unpack(damaged), `byte ${at}`).toThrow(Error)
    }
    for (let end = 1; end < input.length; end++) expect(lz4Length(input.subarray(0, end))).toBeUndefined()
  })

  test.each([
    ['another version', (bytes: Buffer) => (bytes[4] = 0x80)],
    ['a dictionary', (bytes: Buffer) => (bytes[4]! |= 1)],
  ])('%s', (_, change) => {
    const input = Buffer.from(LENGTH, 'base64')
    change(input)
    expect(lz4Length(input)).toBeUndefined()
  })
})

test('any bytes come out as they went in', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(255), fc.nat(70_000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
    fc.nat(70_000).map(randoms),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const body = Buffer.concat([...pieces, ...pieces])
      const { bytes } = run(packLz4(body))
      expect(lz4Length(bytes)).toBe(body.length)
      expect(unpack(bytes).equals(body)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('whatever bytes come: an output of the length that is counted, or an Error', () => {
  const damaged = fc.tuple(fc.nat(400), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(run(packLz4(BODY)).bytes)
    // Behind the header, which has a checksum.
    bytes[15 + (at % (bytes.length - 15))] = byte
    return bytes
  })
  fc.assert(
    fc.property(damaged, (input) => {
      const length = lz4Length(input)
      if (length === undefined || length > 1 << 24) return
      try {
        expect(run(unpackLz4(input, length)).bytes.length).toBe(length)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
  )
})

test('traces shrink, what does not shrink hardly grows', () => {
  const body = tracesRequest({ spans: 400 })
  expect(run(packLz4(body)).bytes.length).toBeLessThan(body.length / 2)
  expect(run(packLz4(randoms(200_000))).bytes.length).toBeLessThan(200_100)
})

test('others get a turn after each megabyte, of packing and of unpacking', () => {
  const packed = run(packLz4(new Uint8Array(5 * 1024 * 1024 + 1)))
  expect(packed.turns).toBe(6)
  expect(run(unpackLz4(packed.bytes, lz4Length(packed.bytes)!)).turns).toBe(6)
})

test('others get a turn in the middle of a large block, too', () => {
  // One block of nearly 4 MiB: a literal, then copies of it, of 1020 bytes each.
  const block = Buffer.concat([
    Buffer.of(0x10, 65, 1, 0),
    ...Array.from({ length: 4 * 1024 }, () => Buffer.of(0x0f, 1, 0, 255, 255, 255, 236)),
    Buffer.of(0x10, 66),
  ])
  const header = Buffer.from(run(packLz4(Buffer.alloc(1))).bytes.subarray(0, 4))
  // Independent blocks of at most 4 MiB, with the header's checksum.
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  const frame = Buffer.concat([header, Buffer.of(0x60, 0x70, 0x73), size, block, Buffer.alloc(4)])
  expect(lz4Length(frame)).toBe(1 + 4 + 4096 * 1020 + 1)
  expect(run(unpackLz4(frame, lz4Length(frame)!)).turns).toBeGreaterThan(3)
})
