/** The thread that converts: one body in, one message out. See `conversion.ts`. */
import { parentPort } from 'node:worker_threads'
import { OtlpError } from '@spoor/otlp'
import { freeBody } from '../../component/body-memory.ts'
import type { ConversionRequest, ConversionResponse } from './conversion.ts'
import { readMessage } from '../../otlp-protocol/message.ts'

parentPort?.on('message', ({ signal, encoding, body }: ConversionRequest) => {
  const response = convert(signal, encoding, body)
  const moved = 'bytes' in response ? [response.bytes.buffer as ArrayBuffer] : []
  parentPort?.postMessage(response, moved)
})

function convert(
  signal: ConversionRequest['signal'],
  encoding: ConversionRequest['encoding'],
  body: Uint8Array,
): ConversionResponse {
  try {
    const message = readMessage(signal, encoding, body)!
    if (message.bytes !== body) freeBody(body)
    return message
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    const { code, message, offset, path } = error
    return { error: { code, message, offset, path } }
  }
}
