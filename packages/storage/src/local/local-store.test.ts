import { traceStoreConformance } from '../conformance/index.ts'
import { openLocalStore } from './local-store.ts'

traceStoreConformance('the local engine', (directory) => openLocalStore({ directory }))
