import '../style/tokens.css'
import '../style/base.css'
import { base64ToBytes } from '@spoor/otlp'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { showOnly } from '../files/opened-files.ts'
import { type SharedTrace, sharedTraceIn } from '../files/shared-trace.ts'
import { followTheme } from '../settings/settings.ts'
import { createViewerRouter } from './viewer-routes.tsx'

// A trace and all that shows it in one file, which asks nobody for anything.

const shared = sharedTraceIn(document)
const root = createRoot(document.getElementById('root')!)
if (shared) {
  followTheme()
  await open(shared)
} else root.render(<p>There is no trace in this file: it is what Spoor puts one into.</p>)

async function open({ traceId, search, sharedMs, slots, gzip }: SharedTrace): Promise<void> {
  const packed = new Blob([base64ToBytes(gzip) as BlobPart]).stream().pipeThrough(new DecompressionStream('gzip'))
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer())
  showOnly({ slots, traces: [{ traceId, bytes }] })
  // As it was shown to whoever has made the file; an address with a place of its own shows that.
  if (location.hash === '') history.replaceState(history.state, '', `#/trace/${traceId}${search}`)
  const queries = new QueryClient({
    defaultOptions: { queries: { refetchOnWindowFocus: false, networkMode: 'always' } },
  })
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={createViewerRouter(traceId, sharedMs)} />
      </QueryClientProvider>
    </StrictMode>,
  )
}
