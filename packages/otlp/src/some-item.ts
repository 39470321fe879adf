/** Looking for one item of a request that something is true for: nothing is written, and what is behind it is not read. */
import type { Signal } from './batch.ts'
import { GROUP_TAG, ITEM_TAG, SCOPE_TAG, withViews, type ItemViews, type Views } from './edit.ts'
import type { ResourceView, ScopeView } from './view/header.ts'
import { lengthEnd, next, readTag, skipField } from './wire.ts'

/** Each is asked in the order of the bytes, a resource before its items. Views are valid within the call, and must not be changed. */
export interface Question<S extends Signal> {
  readonly resource?: (resource: ResourceView) => boolean
  readonly item?: (item: ItemViews[S], scope: ScopeView, resource: ResourceView) => boolean
}

/** Whether the answer is true for any. Throws {@link OtlpError} for bytes that are not a request. */
export function someItem<S extends Signal>(signal: S, bytes: Uint8Array, question: Question<S>): boolean {
  return withViews(signal, (views) => eachField(bytes, 0, bytes.length, GROUP_TAG, inResource, question, views))
}

type Look<S extends Signal> = (
  bytes: Uint8Array,
  start: number,
  end: number,
  question: Question<S>,
  views: Views<S>,
) => boolean

/** Looks into each message of that tag, as far as nothing is found. */
function eachField<S extends Signal>(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: number,
  look: Look<S>,
  question: Question<S>,
  views: Views<S>,
): boolean {
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    if (tag !== wanted) {
      p = skipField(bytes, next, end, tag, 0)
      continue
    }
    p = lengthEnd(bytes, next, end)
    if (look(bytes, next, p, question, views)) return true
  }
  return false
}

function inResource<S extends Signal>(
  bytes: Uint8Array,
  start: number,
  end: number,
  question: Question<S>,
  views: Views<S>,
): boolean {
  views.resource.open(bytes, start, end)
  if (question.resource?.(views.resource)) return true
  return question.item !== undefined && eachField(bytes, start, end, SCOPE_TAG, inScope, question, views)
}

function inScope<S extends Signal>(
  bytes: Uint8Array,
  start: number,
  end: number,
  question: Question<S>,
  views: Views<S>,
): boolean {
  views.scope.open(bytes, start, end)
  return eachField(bytes, start, end, ITEM_TAG, inItem, question, views)
}

function inItem<S extends Signal>(
  bytes: Uint8Array,
  start: number,
  end: number,
  question: Question<S>,
  { item, scope, resource }: Views<S>,
): boolean {
  item.open(bytes, start, end)
  return question.item!(item, scope, resource)
}
