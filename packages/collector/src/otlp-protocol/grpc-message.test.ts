import { expect, test } from 'vitest'
import { decodeGrpcMessage, encodeGrpcMessage, messagePrefix, MessageReader } from './grpc-message.ts'

const body = Buffer.from('a message of some length')
const framed = Buffer.concat([messagePrefix(true, body.length), body])

test('a message that is split anywhere is put together', () => {
  for (let first = 0; first <= framed.length; first++) {
    for (let second = first; second <= framed.length; second++) {
      const reader = new MessageReader(100, 'max')
      for (const part of [framed.subarray(0, first), framed.subarray(first, second), framed.subarray(second)])
        reader.add(part)
      const message = reader.end()
      expect(message.compressed).toBe(true)
      expect(Buffer.from(message.bytes).equals(body)).toBe(true)
    }
  }
})

test('an empty message', () => {
  const reader = new MessageReader(100, 'max')
  reader.add(messagePrefix(false, 0))
  expect(reader.end()).toEqual({ compressed: false, bytes: Buffer.alloc(0) })
})

test('a stream that ends too early', () => {
  for (let length = 0; length < framed.length; length++) {
    const reader = new MessageReader(100, 'max')
    reader.add(framed.subarray(0, length))
    expect(() => reader.end()).toThrow(/truncated message: the stream ended after \d+ of/)
  }
})

test('a second message', () => {
  const reader = new MessageReader(100, 'max')
  expect(() => reader.add(Buffer.concat([framed, framed]))).toThrow('exactly one')
})

test('a message over the limit is refused by its prefix alone', () => {
  const reader = new MessageReader(10, 'max_recv_msg_size_mib')
  expect(() => reader.add(messagePrefix(false, 11))).toThrow(
    'received message larger than max (11 vs. 10 bytes); send smaller batches or raise max_recv_msg_size_mib',
  )
})

test('a compressed flag that is none', () => {
  expect(() => new MessageReader(100, 'max').add(Buffer.from([2, 0, 0, 0, 0]))).toThrow('compressed flag is 2')
})

test('grpc-message there and back', () => {
  expect(encodeGrpcMessage('50% of Größe\n')).toBe('50%25 of Gr%C3%B6%C3%9Fe%0A')
  for (const text of ['', 'plain', '100%', 'Größe ≥ 4 MiB\n\t', '\u{1f600}', 'a\ud800b'.toWellFormed()]) {
    expect(decodeGrpcMessage(encodeGrpcMessage(text))).toBe(text)
  }
  expect(encodeGrpcMessage('lone \ud800')).toBe('lone %EF%BF%BD')
  expect(decodeGrpcMessage('not % encoded')).toBe('not % encoded')
})
