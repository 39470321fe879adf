/**
 * For a script tag: `<script src="spoor-web.js" data-service="shop-web" data-url="http://localhost:4318"></script>`. Without `data-service` it gives
 * the page `spoor.startTracing`, and starts nothing.
 */
import { startTracing } from './tracing.ts'

declare global {
  interface Window {
    spoor?: { readonly startTracing: typeof startTracing; tracing?: ReturnType<typeof startTracing> }
  }
}

window.spoor = { startTracing }
const { service, version, url, sampleRatio, propagateTo } =
  (document.currentScript as HTMLScriptElement | null)?.dataset ?? {}
if (service !== undefined)
  window.spoor.tracing = startTracing({
    service,
    ...(version === undefined ? {} : { version }),
    ...(url === undefined ? {} : { url }),
    ...(sampleRatio === undefined ? {} : { sampleRatio: Number(sampleRatio) }),
    ...(propagateTo === undefined
      ? {}
      : { propagateTo: propagateTo.split(/[\s,]+/).filter((origin) => origin !== '') }),
  })
