/**
 * The names of ImageNet's 1000 classes, read from the class list of TensorFlow's own converter demo, and the ranges of
 * classes that hold one kind of animal. Source: the ILSVRC 2012 class order.
 */
import type { PackageSource } from '../fetch/package-source.ts'

/** The package that holds the class list; one of the photographs comes from it too. */
export const LABELS_PACKAGE: PackageSource = {
  name: 'tfjs-converter-demo',
  version: '0.0.1',
  integrity: 'sha512-mI+NxZc1dcEa364W2pR4G0BIRl8ylVn8DQEZbItrbke8StLgv8Qw3EmuCZYTNztALHsoMIvDzHixuy9KLLl+QQ==',
  licence: 'Apache-2.0',
}

/** The class list inside {@link LABELS_PACKAGE}. */
export const LABELS_FILE = 'mobilenet/imagenet_classes.js'

/** First and last class of a kind. */
export const KINDS = { dog: [151, 268], cat: [281, 285] } as const satisfies Record<string, readonly [number, number]>

/**
 * Reads a class list written as the JavaScript object `0: 'background', 1: 'tench, Tinca tinca', ...`. Long names are
 * joined with `+`. Of several names of a class the first is taken.
 *
 * @returns 1000 labels; the background is dropped.
 * @throws When a class is missing.
 */
export function parseLabels(source: string): string[] {
  const literal = String.raw`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`
  const entry = new RegExp(String.raw`(\d+):\s*((?:${literal})(?:\s*\+\s*(?:${literal}))*)`, 'g')
  const names = new Map<number, string>()
  for (const [, index, literals = ''] of source.matchAll(entry)) {
    const joined = Array.from(literals.matchAll(new RegExp(literal, 'g')), ([text]) => text.slice(1, -1)).join('')
    names.set(Number(index), joined.replace(/\\(.)/g, '$1'))
  }
  return Array.from({ length: 1000 }, (_, index) => {
    const label = names
      .get(index + 1)
      ?.split(',')[0]
      ?.trim()
    if (!label) throw new Error(`labels: class ${index + 1} is missing from ${LABELS_FILE}`)
    return label
  })
}
