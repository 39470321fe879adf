import { section, type ExtensionFactory } from '../../component/index.ts'

/** Does nothing. */
export const nopExtension: ExtensionFactory<object> = {
  kind: 'extension',
  type: 'nop',
  config: section({}),
  create: () => ({ start: () => Promise.resolve(), shutdown: () => Promise.resolve() }),
}
