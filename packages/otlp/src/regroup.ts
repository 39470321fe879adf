import { Assembly, otherFields, writeRanges, type Group } from './assembly.ts'
import type { Signal } from './batch.ts'
import { createItemView } from './edit.ts'
import { bytesToHex } from './ids.ts'
import { indexItems, type ItemIndex } from './item-index.ts'
import { HEADER_TAG, ResourceView, SCHEMA_URL_TAG } from './view/header.ts'
import type { LogRecordView } from './view/log-record.ts'
import { DataPointView, METRIC_TYPES } from './view/metric.ts'
import type { SpanView } from './view/span.ts'
import { closeMessage, createWriter, finish, mark, writeString } from './writer.ts'

/** The view of what counts as an item of each signal. */
export interface RowViews {
  readonly traces: SpanView
  readonly logs: LogRecordView
  readonly metrics: DataPointView
}

export interface Regrouping<S extends Signal> {
  /**
   * The group that an item goes to; undefined where it stays in its resource. The item may be changed or dropped, the
   * resource only read.
   */
  readonly groupOf: (item: RowViews[S], resource: ResourceView) => string | undefined
  /** Changes a resource for those of its items that are in a group. */
  readonly changeResource: (resource: ResourceView, group: string) => void
}

/**
 * Moves items under other resources, as when attributes of items become attributes of the resource: the items of a resource that are in
 * one group are put under a changed copy of it. Groups whose resources, so changed, have the same bytes are put under
 * one. Scopes and metrics go with their items. `bytes` itself where nothing is moved or changed. Throws {@link OtlpError}.
 */
export function regroupItems<S extends Signal>(
  signal: S,
  bytes: Uint8Array,
  { groupOf, changeResource }: Regrouping<S>,
): Uint8Array {
  const index = indexItems(signal, bytes)
  const [resources] = index.containers
  const viewOf = rowViews(signal, index)
  const resource = new ResourceView()
  const replacements = new Map<number, Uint8Array>()
  const headers = new Map<string, Uint8Array>()
  const groups = new Map<string, Group & { readonly rows: number[] }>()
  let isChanged = false
  let resourceStart = -1
  for (let row = 0; row < index.count; row++) {
    if (resources!.start[row] !== resourceStart) {
      resourceStart = resources!.start[row]!
      resource.open(bytes, resourceStart, resources!.end[row]!)
    }
    const item = viewOf(row)
    item.open(bytes, index.start[row]!, index.end[row]!)
    const group = groupOf(item, resource)
    if (group !== undefined || item.isDropped || item.isChanged) isChanged = true
    if (item.isDropped) continue
    if (item.isChanged) replacements.set(row, item.encode())
    if (group === undefined) {
      addRow(groups, `${resourceStart}`, row, undefined)
      continue
    }
    const key = `${resourceStart} ${group}`
    let header = headers.get(key)
    if (!header) {
      const copy = new ResourceView()
      copy.open(bytes, resourceStart, resources!.end[row]!)
      changeResource(copy, group)
      headers.set(key, (header = headerOf(bytes, resourceStart, resources!.end[row]!, copy)))
    }
    addRow(groups, `header ${bytesToHex(header)}`, row, header)
  }
  return isChanged ? new Assembly(bytes, index).writeGroups([...groups.values()], replacements) : bytes
}

function addRow(
  groups: Map<string, Group & { readonly rows: number[] }>,
  key: string,
  row: number,
  header: Uint8Array | undefined,
): void {
  const group = groups.get(key)
  if (group) group.rows.push(row)
  else groups.set(key, { rows: [row], ...(header && { header }) })
}

/** One view for all rows; of data points, one for each kind of metric. */
function rowViews<S extends Signal>(signal: S, index: ItemIndex): (row: number) => RowViews[S] {
  if (signal !== 'metrics') {
    const view = createItemView(signal) as unknown as RowViews[S]
    return () => view
  }
  const tags = index.containers.at(-1)!.tags!
  const views = new Map<number, RowViews[S]>()
  return (row) => {
    const number = tags[row]! >>> 3
    let view = views.get(number)
    if (!view) views.set(number, (view = new DataPointView(METRIC_TYPES.get(number)!) as RowViews[S]))
    return view
  }
}

/** All that a message of the outermost level has besides its scopes, with the resource as the view has it. */
function headerOf(bytes: Uint8Array, start: number, end: number, resource: ResourceView): Uint8Array {
  const writer = createWriter(1024)
  const url = resource.newSchemaUrl
  if (url !== undefined) writeString(writer, SCHEMA_URL_TAG, url)
  const anew = [HEADER_TAG, SCOPES_TAG, ...(url === undefined ? [] : [SCHEMA_URL_TAG])]
  writeRanges(writer, bytes, otherFields(bytes, start, end, anew))
  const from = mark(writer)
  resource.write(writer)
  closeMessage(writer, HEADER_TAG, from)
  return finish(writer)
}

const SCOPES_TAG = 0x12
