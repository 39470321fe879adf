import type { Plugin, Rollup } from 'vite'

/** A place where the trace goes; `src/files/shared-trace.ts` has the same. */
const placeOfTrace = '<script id="shared-trace" type="application/json"></script>'

/** Nothing is fetched, from nowhere, whatever is in the trace. */
const policy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  "style-src 'unsafe-inline'",
  'worker-src blob: data:',
  'img-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** A build step that makes of the entry and its styles one HTML file of that name, and leaves nothing else. */
export function singleFile(name: string): Plugin {
  return {
    name: 'single-file',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_output, bundle) {
        const all = Object.values(bundle)
        const chunks = all.filter((item) => item.type === 'chunk')
        const [entry] = chunks
        if (!entry || chunks.length > 1) this.error(`${name} has ${chunks.length} scripts in place of one`)
        const source = htmlOf(entry.code, stylesOf(all))
        for (const file of Object.keys(bundle)) delete bundle[file]
        this.emitFile({ type: 'asset', fileName: name, source })
      },
    },
  }
}

function stylesOf(all: readonly (Rollup.OutputAsset | Rollup.OutputChunk)[]): string {
  return all
    .filter((item) => item.type === 'asset' && item.fileName.endsWith('.css'))
    .map((item) => (item.type === 'asset' ? String(item.source) : ''))
    .join('\n')
}

function htmlOf(script: string, styles: string): string {
  // What would end the element may stand in a text of the code.
  const code = script.replaceAll('</script', String.raw`<\/script`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="data:,">
<title>Spoor</title>
<style>${styles}</style>
</head>
<body>
<div id="root"></div>
${placeOfTrace}
<script type="module">${code}</script>
</body>
</html>
`
}
