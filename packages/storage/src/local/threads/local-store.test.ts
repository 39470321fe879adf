import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { traceStoreConformance } from '../../conformance/index.ts'
import { openLocalStore } from './local-store.ts'

// Each open starts two threads that load the sources anew: with a cache that takes half the time.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'spoor-compile-cache')

traceStoreConformance('the local engine', (directory) => openLocalStore({ directory }))
