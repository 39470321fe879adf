/**
 * The conformance suite of the `TraceStore` contract, for whoever writes an engine. It needs vitest and fast-check, which are optional
 * peer dependencies, since a program that only stores has no use for them: where one is missing, the import of this module fails with an
 * error that says what to install.
 */
import type { traceStoreConformance as defineSuite } from './suite.ts'

export type { OpenStore } from './harness.ts'

/** Defines the vitest suite that every engine passes; see `suite.ts`. */
export const traceStoreConformance: typeof defineSuite = (await loadSuite()).traceStoreConformance

// A static import would fail while modules are linked, before anything here could say what to do about it.
async function loadSuite(): Promise<{ traceStoreConformance: typeof defineSuite }> {
  try {
    return await import('./suite.ts')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = code === 'ERR_MODULE_NOT_FOUND' && /'(vitest|fast-check)'/.exec(message)?.[1]
    if (!missing) throw error
    throw new Error(
      `@spoor/storage/conformance: the package ${missing} is missing: npm install --save-dev vitest fast-check`,
      { cause: error },
    )
  }
}
