import { useEffect, useState } from 'react'
import type { LayoutReply, LayoutRequest } from './layout-protocol.ts'

/** Lays a graph out in a worker; undefined until it is done. Pass the same request again (by identity) and nothing happens. */
export function useLayout(request: LayoutRequest): LayoutReply | undefined {
  const [done, setDone] = useState<{ request: LayoutRequest; reply: LayoutReply }>()
  useEffect(() => {
    const worker = new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', (event: MessageEvent<LayoutReply>) => {
      setDone({ request, reply: event.data })
      worker.terminate()
    })
    worker.postMessage(request, [])
    return () => worker.terminate()
  }, [request])
  return done?.request === request ? done.reply : undefined
}
