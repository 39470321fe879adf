/** The frame of the pages, and the few elements that are in them. Text is escaped where it becomes HTML. */

/** Markup, of which all text is escaped. */
export interface Html {
  readonly html: string
}

/** Markup with values in it: text is escaped, markup goes in as it is. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const text = values.map((value) => {
    if (typeof value === 'object')
      return [value]
        .flat()
        .map((each: Html) => each.html)
        .join('')
    return escape(String(value))
  })
  return { html: String.raw({ raw: parts }, ...text) }
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

export function table(heads: readonly (string | Html)[], rows: readonly (readonly (string | Html)[])[]): Html {
  const head = heads.map((each) => html`<th>${each}</th>`)
  const body = rows.map((row) => {
    const cells = row.map((cell) => html`<td>${cell}</td>`)
    return html`<tr>
      ${cells}
    </tr>`
  })
  return html`<table>
    <thead>
      <tr>
        ${head}
      </tr>
    </thead>
    <tbody>
      ${body}
    </tbody>
  </table>`
}

/** `pages`: path and name of each, for the bar. */
export function page(title: string, pages: readonly (readonly [string, string])[], body: readonly Html[]): string {
  const links = pages.map(([path, name]) =>
    name === title ? html`<b>${name}</b>` : html`<a href="${path}">${name}</a>`,
  )
  const whole = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>${title} – Spoor collector</title>
      <meta name="viewport" content="width=device-width" />
      <style>
        ${STYLE}
      </style>
    </head>
    <body>
      <nav>${links}</nav>
      <h1>${title}</h1>
      ${body}
    </body>
  </html>`
  return `<!doctype html>\n${whole.html}\n`
}

const STYLE: Html = {
  html: `:root{color-scheme:light dark;--line:#8884;--dim:#777}
body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:72rem;padding:0 1rem}
nav{display:flex;gap:1rem;flex-wrap:wrap;border-bottom:1px solid var(--line);padding-bottom:.5rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--dim)}th:has(.n),td:has(.n){text-align:right}.n{font-variant-numeric:tabular-nums}
.dim{color:var(--dim)}.s::before{content:"●";margin-right:.4em}
.ok::before{color:#2a9d4a}.recoverable_error::before,.starting::before,.stopping::before{color:#d98a00}.permanent_error::before,.fatal_error::before{color:#d33}.none::before,.stopped::before{color:#888}`,
}
