import type { ComponentType } from 'react'
import { lazyPart } from '../widgets/lazy-part.tsx'
import { Loading } from '../widgets/loading.tsx'
import { Timeline } from './timeline/timeline.tsx'

/** A way to look at a trace: a folder, and a record here. The first is what is shown when the address names none. */
export interface TraceViewRecord {
  /** In the address. */
  readonly name: string
  readonly label: string
  /** The key that shows it. */
  readonly key: string
  readonly Content: ComponentType
  /** Whether the strip with the whole trace stands above it, and the panel with details beside it. */
  readonly minimap: boolean
  readonly panel: boolean
}

const waiting = () => <Loading label="Loading the view" />

export const traceViews: readonly [TraceViewRecord, ...TraceViewRecord[]] = [
  { name: 'timeline', label: 'Timeline', key: '1', Content: Timeline, minimap: true, panel: true },
  {
    name: 'tree',
    label: 'Tree',
    key: '2',
    Content: lazyPart(async () => (await import('../tree/tree-view.tsx')).TreeView, { name: 'The tree', waiting }),
    minimap: false,
    panel: true,
  },
  {
    name: 'table',
    label: 'Table',
    key: '3',
    Content: lazyPart(async () => (await import('./table/table-view.tsx')).TableView, { name: 'The table', waiting }),
    minimap: false,
    panel: true,
  },
  {
    name: 'flame',
    label: 'Flame',
    key: '4',
    Content: lazyPart(async () => (await import('./flame/flame-view.tsx')).FlameView, {
      name: 'The flame graph',
      waiting,
    }),
    minimap: false,
    panel: true,
  },
  {
    name: 'json',
    label: 'JSON',
    key: '5',
    Content: lazyPart(async () => (await import('./json/json-view.tsx')).JsonView, { name: 'The JSON view', waiting }),
    minimap: false,
    panel: false,
  },
]
