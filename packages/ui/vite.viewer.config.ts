import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compressed } from './build/compressed.ts'
import { inlineWorkers } from './build/inline-workers.ts'
import { singleFile } from './build/single-file.ts'

// The viewer of shared files: all of a trace's page in one HTML file, into which the page puts a trace. Built after the page, and beside it.
export default defineConfig({
  plugins: [inlineWorkers(), react(), singleFile('viewer.html'), compressed()],
  resolve: { conditions: ['@spoor/source', 'module', 'browser', 'development|production'] },
  worker: { format: 'iife' },
  build: {
    outDir: '../server/page',
    emptyOutDir: false,
    copyPublicDir: false,
    cssCodeSplit: false,
    target: ['chrome123', 'firefox128', 'safari17.5'],
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: { input: 'src/share/viewer.tsx', output: { codeSplitting: false } },
  },
})
