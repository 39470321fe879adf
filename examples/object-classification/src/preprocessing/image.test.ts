import sharp from 'sharp'
import type { OverlayOptions, Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { imageFormat, MAX_PIXELS, prepareImage, UploadError } from './image.ts'

/** A picture of four coloured quarters: red and green above, blue and white below. */
function quarters(width: number, height: number): Sharp {
  const [w, h] = [width / 2, height / 2]
  const quarter = (background: string, left: number, top: number): OverlayOptions => ({
    input: { create: { width: w, height: h, channels: 3, background } },
    left,
    top,
  })
  return sharp({ create: { width, height, channels: 3, background: 'white' } }).composite([
    quarter('red', 0, 0),
    quarter('lime', w, 0),
    quarter('blue', 0, h),
  ])
}

/** The colours of the quarters of prepared pixels, row by row. */
function colours(pixels: Buffer, side: number): string[] {
  const at = (x: number, y: number): string => {
    const [r = 0, g = 0, b = 0] = pixels.subarray((y * side + x) * 3)
    const names: Record<string, string> = {
      '100': 'red',
      '010': 'green',
      '001': 'blue',
      '111': 'white',
      '000': 'black',
    }
    return names[[r, g, b].map((value) => (value > 128 ? 1 : 0)).join('')] ?? `${r},${g},${b}`
  }
  const [near, far] = [Math.floor(side / 4), Math.floor((side * 3) / 4)]
  return [at(near, near), at(far, near), at(near, far), at(far, far)]
}

async function refusal(bytes: Uint8Array): Promise<UploadError> {
  const error: unknown = await prepareImage(bytes, 32).catch((error: unknown) => error)
  if (!(error instanceof UploadError)) throw new Error('it was not refused')
  return error
}

describe('prepareImage', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('decodes %s', async (format) => {
    const bytes = await quarters(128, 128).toFormat(format).toBuffer()
    expect(imageFormat(bytes)).toBe(format)
    const { pixels, side, source } = await prepareImage(bytes, 64)
    expect(side).toBe(64)
    expect(pixels).toHaveLength(64 * 64 * 3)
    expect(source).toMatchObject({ format, width: 128, height: 128 })
    expect(colours(pixels, 64)).toEqual(['red', 'green', 'blue', 'white'])
  })

  it('keeps nothing of an image once it is prepared', async () => {
    await prepareImage(await quarters(80, 60).png().toBuffer(), 16)
    expect(sharp.cache().items).toEqual({ current: 0, max: 0 })
  })

  it('resizes the short side and cuts the middle out, without squashing', async () => {
    // The middle half is red, a quarter to each side blue.
    const middle = {
      input: { create: { width: 200, height: 200, channels: 3 as const, background: 'red' } },
      left: 100,
      top: 0,
    }
    const wide = await sharp({ create: { width: 400, height: 200, channels: 3, background: 'blue' } })
      .composite([middle])
      .png()
      .toBuffer()
    const { pixels } = await prepareImage(wide, 64)
    const blue = Array.from({ length: 64 * 64 }, (_, pixel) => pixels[pixel * 3 + 2] ?? 0).filter(
      (value) => value > 128,
    )
    expect(blue).toHaveLength(0)
  })

  // What the quarters look like after the camera's orientation has been undone. Source: the EXIF tag Orientation.
  it.each([
    [1, ['red', 'green', 'blue', 'white']],
    [2, ['green', 'red', 'white', 'blue']],
    [3, ['white', 'blue', 'green', 'red']],
    [4, ['blue', 'white', 'red', 'green']],
    [5, ['red', 'blue', 'green', 'white']],
    [6, ['blue', 'red', 'white', 'green']],
    [7, ['white', 'green', 'blue', 'red']],
    [8, ['green', 'white', 'red', 'blue']],
  ])('turns EXIF orientation %i upright', async (orientation, expected) => {
    const bytes = await quarters(128, 96).jpeg().withMetadata({ orientation }).toBuffer()
    const { pixels, source } = await prepareImage(bytes, 64)
    expect(source.orientation).toBe(orientation)
    expect(colours(pixels, 64)).toEqual(expected)
  })

  it('makes three channels of grey, of transparency and of palettes', async () => {
    const black = { create: { width: 40, height: 40, channels: 3 as const, background: 'black' } }
    const grey = await sharp(black).greyscale().png().toBuffer()
    const clear = await sharp({ create: { width: 40, height: 40, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer()
    const palette = await quarters(40, 40).png({ palette: true }).toBuffer()
    expect(colours((await prepareImage(grey, 16)).pixels, 16)[0]).toBe('black')
    expect(colours((await prepareImage(clear, 16)).pixels, 16)[0]).toBe('white')
    expect(colours((await prepareImage(palette, 16)).pixels, 16)).toEqual(['red', 'green', 'blue', 'white'])
  })

  it('refuses what is no image by its content, whatever it claims to be', async () => {
    for (const text of ['', 'hello', '<svg xmlns="http://www.w3.org/2000/svg"/>', '%PDF-1.7'])
      expect((await refusal(Buffer.from(text))).code).toBe('not_an_image')
  })

  it('refuses an image that is cut off or damaged', async () => {
    const noise = {
      create: {
        width: 256,
        height: 256,
        channels: 3 as const,
        background: 'red',
        noise: { type: 'gaussian' as const, mean: 128, sigma: 60 },
      },
    }
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const bytes = await sharp(noise).toFormat(format).toBuffer()
      expect((await refusal(bytes.subarray(0, bytes.length / 2))).code).toBe('corrupt')
    }
    expect((await refusal(Buffer.from('\xff\xd8\xff\xe0rubbish', 'latin1'))).code).toBe('corrupt')
  })

  it('refuses a small file that unfolds to a huge picture', async () => {
    const side = Math.ceil(Math.sqrt(MAX_PIXELS)) + 1
    const bomb = await sharp({ create: { width: side, height: side, channels: 3, background: 'white' } })
      .png({ compressionLevel: 1 })
      .toBuffer()
    const error = await refusal(bomb)
    expect(error.code).toBe('too_large')
    expect(error.message).toContain(`${side} x ${side} pixels`)
  })
})
