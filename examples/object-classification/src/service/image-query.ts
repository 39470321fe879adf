/** The query of the requests that carry raw RGB pixels: `request_id`, `width`, `height`. */

/** An image as it goes from service to service: 3 bytes a pixel, row by row from the top. */
export interface RawImage {
  readonly requestId: string
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}

/** Longest side that is accepted, pixels. */
const MAX_SIDE = 4096
/** The longest request id that is accepted, characters. */
const MAX_REQUEST_ID = 100

/** Writes the query. */
export function imageQuery({ requestId, width, height }: RawImage): string {
  return new URLSearchParams({ request_id: requestId, width: String(width), height: String(height) }).toString()
}

/** Reads query and body. @returns The image, or a sentence that says what is wrong. */
export function readRawImage(query: URLSearchParams, pixels: Uint8Array): RawImage | string {
  const requestId = query.get('request_id') ?? ''
  if (requestId === '' || requestId.length > MAX_REQUEST_ID)
    return `the query needs a request_id of 1 to ${MAX_REQUEST_ID} characters`
  const width = Number(query.get('width'))
  const height = Number(query.get('height'))
  for (const [name, side] of [['width', width] as const, ['height', height] as const])
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE)
      return `the query needs a ${name} of 1 to ${MAX_SIDE} pixels, got ${query.get(name) ?? 'none'}`
  const expected = width * height * 3
  if (pixels.length !== expected)
    return `${width} x ${height} pixels of raw RGB are ${expected} bytes, the body has ${pixels.length}`
  return { requestId, width, height, pixels }
}
