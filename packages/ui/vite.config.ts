import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compressed } from './build/compressed.ts'
import { firstLoad } from './build/first-load.ts'

const frame =
  /node_modules[/\\](react|react-dom|scheduler|zustand|@tanstack[/\\](react-router|router-core|history|store|react-store|query-core|react-query))[/\\]/

/** Our own that nearly every view needs, but for what comes when it is first wanted. */
const common = new RegExp(
  [
    'otlp/src/time\\.ts',
    'ui/src/(?:api|axis|canvas|format|keyboard|settings|url|service-color)/',
    'ui/src/widgets/(?!menu\\.tsx|dialog)',
    'ui/src/shell/(?:health-reasons|shell\\.module)',
    'ui/src/(?:search/search-url|search/tail|trace/trace-url)\\.ts',
  ]
    .join('|')
    .replaceAll('/', '[/\\\\]'),
)

// The page is built from the sources of its sibling packages (`@spoor/source`), into the package of the server, which is all that serves it and is published with it.
export default defineConfig({
  base: '/',
  plugins: [react(), firstLoad({ maxGzipBytes: 210_000, maxGzipBytesOf: { search: 140_000 } }), compressed()],
  resolve: { conditions: ['@spoor/source', 'module', 'browser', 'development|production'] },
  worker: { format: 'es' },
  build: {
    outDir: '../server/page',
    emptyOutDir: true,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every view needs in one file: it compresses better than many, and it changes only with its versions.
          groups: [
            { name: 'frame', test: frame },
            { name: 'common', test: common },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:16686' } },
})
