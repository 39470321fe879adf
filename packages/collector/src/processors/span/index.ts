import type { AnyValue, SpanView, Visitor } from '@spoor/otlp'
import type { ProcessorFactory } from '../../component/index.ts'
import {
  compileRegex,
  compileSelection,
  createEditingProcessor,
  matchProblems,
  scalarText,
  text,
  type Regex,
} from '../../processor-helper/index.ts'
import { spanConfig, STATUS_CODES, type SpanConfig } from './config.ts'

/** Makes the name of a span from its attributes, or attributes from its name, and sets its status. */
export const spanProcessor: ProcessorFactory<SpanConfig> = {
  kind: 'processor',
  type: 'span',
  config: spanConfig,
  signals: ['traces'],
  check: matchProblems,
  create(_context, config, next) {
    const visitor = compile(config)
    return createEditingProcessor('traces', next, { visitor: () => visitor })
  },
}

function compile(config: SpanConfig): Visitor<'traces'> {
  const { from_attributes: keys, separator, to_attributes: extraction } = config.name
  const rules = extraction?.rules.map(compileRegex) ?? []
  const { status } = config
  const change = (span: SpanView): void => {
    if (keys.length > 0) nameFromAttributes(span, keys, separator)
    if (extraction) attributesFromName(span, rules, extraction)
    if (status) {
      span.statusCode = STATUS_CODES[status.code]
      span.statusMessage = status.description
    }
  }
  const selection = compileSelection(config, 'traces')
  if (!selection) return { item: change }
  const { resource, scope, selects } = selection
  return { resource, scope, item: (span) => void (selects(span) && change(span)) }
}

/** What a value that is a list, a map, bytes or nothing is in a name. */
const UNKNOWN = '<unknown-attribute-type>'

function nameFromAttributes(span: SpanView, keys: readonly string[], separator: string): void {
  const values = keys.map((key) => span.attributes.get(key))
  if (!values.every((value): value is AnyValue => value !== undefined)) return
  span.name = values.map((value) => scalarText(value) ?? UNKNOWN).join(separator)
}

type Extraction = NonNullable<SpanConfig['name']['to_attributes']>

function attributesFromName(span: SpanView, rules: readonly Regex[], extraction: Extraction): void {
  for (const rule of rules) {
    const { name } = span
    const groups = name === '' ? undefined : rule.indexes(name)
    if (!groups) continue
    let changed = ''
    let done = 0
    groups.forEach(([start, end], i) => {
      if (i === 0) return
      const group = rule.groupNames[i]!
      span.attributes.set(group, text(start < 0 ? '' : name.slice(start, end)))
      // The Collector ends itself at a group without a part in the match, or within another.
      if (start < done) return
      changed += `${name.slice(done, start)}{${group}}`
      done = end
    })
    if (!extraction.keep_original_name) span.name = changed + name.slice(done)
    if (extraction.break_after_match) return
  }
}
