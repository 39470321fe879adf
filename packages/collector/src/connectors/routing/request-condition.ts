/** Conditions on the headers of the request that a batch came with. */
import type { Metadata } from '../../component/index.ts'

export type RequestCondition = (metadata: Metadata) => boolean

const CONDITION = /^\s*request\["(.+?)"\]\s*(==|!=)\s*"(.*)"\s*$/s

/** `request["name"] == "value"`: one of the header's values is it; with `!=`, one is another. Undefined for what is no such condition. */
export function parseRequestCondition(text: string): RequestCondition | undefined {
  const [, name, operator, value] = CONDITION.exec(text) ?? []
  if (name === undefined) return undefined
  const key = name.toLowerCase()
  const isEqual = operator === '=='
  return (metadata) => metadata.get(key)?.some((each) => (each === value) === isEqual) === true
}
