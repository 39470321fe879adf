import type { Plugin } from 'vite'

const started = /new Worker\(new URL\('([^']+)', import\.meta\.url\), \{ type: 'module' \}\)/g

/** A build step that puts the code of workers into the file that starts them: where there is no server there is nowhere to fetch it from. */
export function inlineWorkers(): Plugin {
  return {
    name: 'inline-workers',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/src/') || id.includes('?') || !code.includes('new Worker(')) return undefined
      const imports: string[] = []
      const inlined = code.replace(started, (_, file: string) => {
        imports.push(`import InlineWorker${imports.length} from '${file}?worker&inline'`)
        return `new InlineWorker${imports.length - 1}()`
      })
      if (imports.length === 0) this.error(`${id} starts a worker in a way that cannot be put into one file`)
      return { code: `${imports.join('\n')}\n${inlined}`, map: null }
    },
  }
}
