import type { Filter, SpanSet, Target } from '@spoor/storage'
import { bad } from './params.ts'

/** `key=value`, `key="a value"` or `key` alone, with blanks in between. */
const PAIR = /\s*([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|$)/y

/**
 * The tags of Tempo's older searches (logfmt) as a set: spans that have all of them, each as a part of its value whatever the case of letters; attributes at any level, `name`, `error` and `status.code` of the
 * span; `root.name` and `root.service.name` as they are.
 */
export function tagsSet(text: string): SpanSet {
  const filters: Filter[] = []
  const ofTrace: (readonly ['rootName' | 'rootService', string])[] = []
  const seen = new Set<string>()
  let at = 0
  const { length } = text.trimEnd()
  while (at < length) {
    PAIR.lastIndex = at
    const found = PAIR.exec(text)
    if (!found) throw bad(`invalid tags: character ${at + 1}: key=value or key="a value" should stand here`)
    at = PAIR.lastIndex
    const [, key, quoted, plain] = found as unknown as [string, string, string?, string?]
    if (seen.has(key)) throw bad(`invalid tags: tag ${key} has been set twice`)
    seen.add(key)
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
    if (key === 'root.name') ofTrace.push(['rootName', value ?? ''])
    else if (key === 'root.service.name') ofTrace.push(['rootService', value ?? ''])
    else filters.push(tagFilter(key, value))
  }
  let set: SpanSet = filters.length === 0 ? { op: 'spans' } : { op: 'spans', filter: { op: 'and', args: filters } }
  for (const [field, value] of ofTrace) set = { op: 'trace', field, compare: 'eq', value, among: set }
  return set
}

function tagFilter(key: string, value: string | undefined): Filter {
  if ((key === 'error' && value === 'true') || key === 'status.code')
    return { op: 'eq', target: { field: 'status' }, value: key === 'error' ? 'error' : (value ?? '').toLowerCase() }
  const target: Target =
    key === 'name' ? { field: 'name' } : key === 'service.name' ? { field: 'service' } : { attribute: key }
  if (value === undefined || value === '') return { op: 'exists', target }
  return { op: 'regex', target, value: `(?i)${value.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}` }
}
