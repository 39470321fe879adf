import { expect, test } from 'vitest'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { startReceiver, http2Request } from './fixture.ts'
import {
  connectRaw,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  PREFACE,
  settings,
} from './http2-frames.test.helper.ts'

const GRPC = { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', te: 'trailers' }
const PROTOBUF = { ':path': '/v1/traces', 'content-type': 'application/x-protobuf' }
const health = (method: string): Record<string, string> => ({ ':path': `/grpc.health.v1.Health/${method}` })

const message = (flags: number, ...bytes: number[]): Buffer => frame(FRAME.DATA, flags, 1, Buffer.from(bytes))
const EMPTY = message(END_STREAM, 0, 0, 0, 0, 0)
const TOO_LARGE = message(0, 0, 0x7f, 0, 0, 0)

// What is refused is answered at once, and so is meant for a stream that is gone already.
test.each<[string, Record<string, string>, Buffer[]]>([
  ['whole', {}, [EMPTY]],
  ['too large', {}, [TOO_LARGE]],
  ['with a bad flag', {}, [message(0, 9, 0, 0, 0, 1, 1)]],
  ['of an unknown method', { ':path': '/x/Y' }, []],
  ['of an unknown coding', { 'grpc-encoding': 'br' }, []],
  ['without time', { 'grpc-timeout': '0m' }, []],
  ['of another kind of gRPC', { 'content-type': 'application/grpc-web' }, []],
  ['for health', health('Check'), [EMPTY]],
  ['for health for ever', health('Watch'), [TOO_LARGE]],
  ['of HTTP, whole', PROTOBUF, [EMPTY]],
  ['of HTTP, too large', { ...PROTOBUF, 'content-length': '99999999' }, []],
  ['of HTTP, of another type', { ...PROTOBUF, 'content-type': 'text/plain' }, []],
])('a call %s that its client resets in the same write does not hurt the others', async (_, headers, frames) => {
  const receiver = await startReceiver()
  const call = headerBlock({ ':method': 'POST', ':scheme': 'http', ':authority': 'localhost', ...GRPC, ...headers })
  for (const port of [receiver.grpc, receiver.http]) {
    for (const code of [0, 8]) {
      const { socket } = connectRaw(port)
      const reset = frame(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code]))
      socket.write(Buffer.concat([PREFACE, settings(), frame(FRAME.HEADERS, END_HEADERS, 1, call), ...frames, reset]))
      const other = await http2Request(port, GRPC, [Buffer.alloc(5)])
      expect(other.trailers['grpc-status']).toBe('0')
      socket.destroy()
    }
  }
})
