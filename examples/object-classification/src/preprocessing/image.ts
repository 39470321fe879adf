/** From an uploaded file to the square of pixels that the models look at. */
import sharp from 'sharp'

// Each upload is another one: what libvips keeps of those before is never asked for, and is some 50 MB.
sharp.cache(false)

/** Why a file is refused. */
export type UploadErrorCode = 'no_file' | 'not_an_image' | 'too_large' | 'corrupt'

/** A file that cannot be classified; the message is for the sender. */
export class UploadError extends Error {
  override readonly name = 'UploadError'
  readonly code: UploadErrorCode

  constructor(code: UploadErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** A photograph as the models get it. */
export interface PreparedImage {
  /** Raw RGB, 3 bytes a pixel, `side * side * 3`. */
  readonly pixels: Buffer
  /** Width and height in pixels. */
  readonly side: number
  /** What was uploaded. */
  readonly source: {
    readonly format: ImageFormat
    readonly width: number
    readonly height: number
    readonly orientation: number
  }
}

/** The formats that are taken. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif'

/** The most pixels that are decoded: a small file can unfold to a picture that fills the memory. */
export const MAX_PIXELS = 50_000_000
/** The models are trained on the middle 224 of 256 pixels of the short side. */
const CROP_SHARE = 224 / 256

/**
 * The format by the file's first bytes; neither its name nor what the sender says of it counts.
 *
 * @returns `undefined` when it is none of {@link ImageFormat}.
 */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const start = Buffer.from(bytes.subarray(0, 16)).toString('latin1')
  if (start.startsWith('\xff\xd8\xff')) return 'jpeg'
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'gif'
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return 'tiff'
  if (start.startsWith('RIFF') && start.startsWith('WEBP', 8)) return 'webp'
  if (start.startsWith('ftypavif', 4)) return 'avif'
  return undefined
}

/**
 * Decodes, turns upright by the EXIF orientation, resizes the short side and cuts the middle out.
 *
 * @param side Width and height of the result in pixels.
 * @throws {UploadError}
 */
export async function prepareImage(bytes: Uint8Array, side: number): Promise<PreparedImage> {
  const format = imageFormat(bytes)
  if (!format)
    throw new UploadError(
      'not_an_image',
      'the file is not an image: its content is none of JPEG, PNG, WebP, GIF, TIFF, AVIF',
    )
  const resized = Math.round(side / CROP_SHARE)
  const margin = Math.floor((resized - side) / 2)
  try {
    const { width, height, orientation } = await sharp(bytes, { limitInputPixels: false }).metadata()
    if (width * height > MAX_PIXELS)
      throw new UploadError('too_large', `the image has ${width} x ${height} pixels; at most ${MAX_PIXELS} are decoded`)
    const pixels = await sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize(resized, resized, { fit: 'cover' })
      .extract({ left: margin, top: margin, width: side, height: side })
      .raw()
      .toBuffer()
    return { pixels, side, source: { format, width, height, orientation: orientation ?? 1 } }
  } catch (error) {
    if (error instanceof UploadError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new UploadError('corrupt', `the ${format} image is corrupt: ${reason}`, error)
  }
}
