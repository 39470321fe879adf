/**
 * Attributes of spans that become attributes of metrics. One that is named is looked for in the span, then in its resource (or event), and else has
 * its default; a pattern takes all whose name matches.
 */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import { z } from 'zod'
import { section, type SchemaIssue } from '../component/index.ts'
import { text } from '../processor-helper/index.ts'
import { compileGlob } from './glob.ts'

export const dimensionKey = section({
  name: z.string().default('').describe('The attribute.'),
  default: z
    .string()
    .optional()
    .describe('Its value where there is no such attribute. Default: the metric has no such attribute then, either.'),
  glob: z
    .string()
    .default('')
    .describe(
      'Instead of a name: all attributes whose names match, as `k8s.*.name`. `*` is any text without a point, `**` any text.',
    ),
})

export type DimensionConfig = z.infer<typeof dimensionKey>

/** What is wrong with a list. `reserved`: names that are taken already. */
export function dimensionProblems(
  dimensions: readonly DimensionConfig[],
  reserved: readonly string[],
  path: readonly PropertyKey[],
): SchemaIssue[] {
  const issues: SchemaIssue[] = []
  const names = new Set(reserved)
  const globs: { readonly matches: (name: string) => boolean; readonly index: number }[] = []
  const fail = (message: string, index: number, ...rest: PropertyKey[]): void =>
    void issues.push({ message, path: [...path, index, ...rest] })
  for (const [index, { name, default: value, glob }] of dimensions.entries()) {
    if ((name === '') === (glob === '')) {
      fail('a dimension has either a name or a glob; write one of them', index)
    } else if (name !== '') {
      const isReserved = reserved.includes(name)
      if (names.has(name)) {
        fail(`duplicate dimension "${name}"${isReserved ? ', which every metric has' : ''}; remove it`, index, 'name')
      }
      names.add(name)
    } else if (value === undefined) {
      try {
        globs.push({ matches: compileGlob(glob), index })
      } catch (error) {
        fail(`${JSON.stringify(glob)} is no pattern: ${(error as Error).message}`, index, 'glob')
      }
    } else fail('a glob has no default; remove it', index, 'default')
  }
  for (const { matches, index } of globs) {
    const name = [...names].find((each) => matches(each))
    if (name !== undefined) fail(`matches the dimension "${name}", too; make it narrower`, index, 'glob')
  }
  return issues
}

/** The first attribute of a key, as the Collector has it. */
export function attributeOf(attributes: readonly KeyValue[], key: string): AnyValue | undefined {
  for (const attribute of attributes) if (attribute.key === key) return attribute.value
  return undefined
}

export class Dimensions {
  /** The names, without those that patterns match. */
  readonly names: readonly string[]
  readonly hasGlobs: boolean
  readonly #named: readonly { readonly name: string; readonly value: AnyValue | undefined }[]
  readonly #globs: readonly ((name: string) => boolean)[]

  constructor(dimensions: readonly DimensionConfig[]) {
    this.#named = dimensions
      .filter(({ glob }) => glob === '')
      .map(({ name, default: value }) => ({ name, value: value === undefined ? undefined : text(value) }))
    this.#globs = dimensions.filter(({ glob }) => glob !== '').map(({ glob }) => compileGlob(glob))
    this.names = this.#named.map(({ name }) => name)
    this.hasGlobs = this.#globs.length > 0
  }

  /** Those of a span, named ones first; a name may come twice, of which the last counts. */
  of(span: readonly KeyValue[], beside: readonly KeyValue[]): KeyValue[] {
    const found: KeyValue[] = []
    for (const { name, value: usual } of this.#named) {
      const value = attributeOf(span, name) ?? attributeOf(beside, name) ?? usual
      if (value) found.push({ key: name, value })
    }
    if (!this.hasGlobs) return found
    for (const key of this.#matching(span)) found.push({ key, value: attributeOf(span, key)! })
    for (const key of this.#matching(beside)) {
      if (attributeOf(span, key) === undefined) found.push({ key, value: attributeOf(beside, key)! })
    }
    return found
  }

  /** Whether a pattern takes the attribute. */
  matches(key: string): boolean {
    return this.#globs.some((glob) => glob(key))
  }

  #matching(attributes: readonly KeyValue[]): string[] {
    return attributes
      .map(({ key }) => key)
      .filter((key) => this.matches(key))
      .sort()
  }
}
