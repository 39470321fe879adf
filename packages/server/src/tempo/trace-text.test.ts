import { expect, it } from 'vitest'
import { framedTrace } from './trace-text.ts'

async function* given(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const [i, size] of sizes.entries()) yield new Uint8Array(size).fill(i + 1)
}

/** The messages of field 1, each by the bytes that it has of each chunk. */
async function messagesOf(sizes: readonly number[]): Promise<number[][]> {
  const pieces: Uint8Array[] = []
  for await (const piece of framedTrace(given(sizes))) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  const messages: number[][] = []
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at++]).toBe(0x0a)
    let [length, scale] = [0, 1]
    for (let byte = 128; byte >= 128; scale *= 128) length += ((byte = bytes[at++]!) & 127) * scale
    const message = bytes.subarray(at, (at += length))
    expect(message).toHaveLength(length)
    messages.push(sizes.map((_, i) => message.filter((byte) => byte === i + 1).length))
  }
  return messages
}

it('puts a trace into one message, and a large one into several', async () => {
  expect(await messagesOf([100])).toEqual([[100]])
  expect(await messagesOf([100, 200, 300])).toEqual([[100, 200, 300]])
  const large = 600 * 1024
  expect(await messagesOf([large, 5, large])).toEqual([
    [large, 5, 0],
    [0, 0, large],
  ])
  expect(await messagesOf([3 * large])).toEqual([[3 * large]])
})
