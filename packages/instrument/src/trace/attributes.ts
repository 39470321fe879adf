import type { Attributes, AttributeValue } from '@opentelemetry/api'
import { AddAttributeDecision, cleanAttributes, maybeAddAttribute } from '@opentelemetry/core'

/** What spans may have at the most; those of the SDK. */
export interface Limits {
  readonly attributeCountLimit: number
  readonly attributeValueLengthLimit: number
  readonly eventCountLimit: number
  readonly linkCountLimit: number
  readonly attributePerEventCountLimit: number
  readonly attributePerLinkCountLimit: number
}

/** A value that needs no look at what is in it. */
export function isPlain(value: unknown, maxLength: number): boolean {
  return typeof value === 'string' ? value.length <= maxLength : typeof value === 'number' || typeof value === 'boolean'
}

/** A copy of attributes that a span begins with, without those that can be none. */
export function copied(attributes: Attributes | undefined): { attributes: Attributes; count: number; dropped: number } {
  const copy: Attributes = {}
  if (attributes === undefined || attributes === null) return { attributes: copy, count: 0, dropped: 0 }
  const keys = Object.keys(attributes)
  let count = 0
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    const value = attributes[key]
    if (value === undefined) continue
    if (key === '' || !isPlain(value, Infinity)) return cleaned(attributes, unlimited)
    copy[key] = value
    count++
  }
  return { attributes: copy, count, dropped: 0 }
}

const unlimited = { attributeCountLimit: Infinity, attributeValueLengthLimit: Infinity }

/** As the SDK does it: with a look at each value, and at the limits. */
export function cleaned(
  given: Attributes,
  limits: Pick<Limits, 'attributeCountLimit' | 'attributeValueLengthLimit'>,
): { attributes: Attributes; count: number; dropped: number } {
  const { attributes = {}, droppedAttributesCount = 0 } = cleanAttributes(given, limits)
  return { attributes, count: Object.keys(attributes).length, dropped: droppedAttributesCount }
}

/** Sets one as the SDK does. Returns by how many there are more, and whether it was dropped for the count. */
export function put(
  attributes: Attributes,
  key: string,
  value: AttributeValue,
  count: number,
  limits: Limits,
): { readonly added: number; readonly isDropped: boolean } {
  const decision = maybeAddAttribute({ key, value, attributes, limits, currentAttributesCount: count })
  return {
    added: decision === AddAttributeDecision.ADD_NEW ? 1 : 0,
    isDropped: decision === AddAttributeDecision.DROP_LIMIT_REACHED,
  }
}
