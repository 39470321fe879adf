import type { BodyForm } from '../component/index.ts'

/** That much is looked at of a text. */
const LOOK_BYTES = 1024
const [LINE_FEED, QUOTE, BRACE, BRACKET, LESS] = [0x0a, 0x22, 0x7b, 0x5b, 0x3c]
/** What the first field of a message, or the first key of JSON, is in it. */
const BASE64 = /^(?:C[g-v]|ey)[\w+/-]{2,}={0,2}\s*$/
const GRPC_HEADER_BYTES = 5

/** What a body is by its first bytes; undefined where the first bytes tell nothing. */
export function formOf(bytes: Uint8Array): BodyForm | undefined {
  const [first, second, third, fourth] = bytes
  if (first === undefined) return 'empty'
  if (first === 0x1f && second === 0x8b) return 'gzip'
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return 'zstd'
  // RFC 1950: the two bytes are a multiple of 31, and 0x78 is a window of 32 kB, which everybody uses.
  if (first === 0x78 && ((first << 8) | second!) % 31 === 0) return 'deflate'
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || (first === BRACE && second === 0))
    return 'utf16'
  if (first === LESS) return 'html'
  if (first === BRACE) return 'json'
  if (first === QUOTE) return undefined
  if (isFramed(bytes)) return 'grpc'
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOK_BYTES)).toString('latin1')
  if (first === BRACKET) return formOfList(start)
  // A message begins with the tag of its first field, which is a line feed to text.
  if (first === LINE_FEED && second! > 0x20 && second !== BRACE && second !== BRACKET) return 'protobuf'
  if (BASE64.test(start)) return 'base64'
  return /^[\t\n\r -~]+$/.test(start) ? 'text' : undefined
}

function formOfList(start: string): BodyForm {
  if (start.startsWith('[object ')) return 'object'
  return /"(?:id|localEndpoint|remoteEndpoint|timestamp|binaryAnnotations)"/.test(start) ? 'zipkin' : 'list'
}

function isFramed(bytes: Uint8Array): boolean {
  if (bytes.length <= GRPC_HEADER_BYTES || bytes[0]! > 1) return false
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  return length === bytes.length - GRPC_HEADER_BYTES
}
