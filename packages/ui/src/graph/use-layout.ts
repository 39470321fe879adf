import type { LayoutReply, LayoutRequest } from './layout-protocol.ts'
import { type WorkerState, useWorker } from '../worker/use-worker.ts'

/** Lays a graph out in a worker. Pass the same request again (by identity) and nothing happens. */
export function useLayout(request: LayoutRequest): WorkerState<LayoutReply> {
  return useWorker(startLayout, request, 'lays out graphs')
}

const startLayout = () => new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' })
