// Checks what the documentation names: every relative link and every .md file that is mentioned exists, every decision is listed in ARCHITECTURE.md, and
// every `npm run` that is advised is a script. Prints what is wrong, and exits 1 then.
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './setup.mjs'

const wrong = []
const documents = globSync(['*.md', 'docs/**/*.md', '{bench,e2e,examples/*,packages/*}/*.md'], { cwd: root })
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

for (const document of documents) {
  const folder = join(root, dirname(document))
  readFileSync(join(root, document), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const tell = (what) => wrong.push(`${document}:${index + 1}: ${what}`)
      for (const [, target] of line.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)) {
        if (!existsSync(join(folder, target))) tell(`the link leads nowhere: ${target}`)
      }
      for (const [name] of line.matchAll(/(?<![\w/.*-])[\w-][\w./-]*\.md\b/g)) {
        // A bare name means one that is known in this workspace.
        const isKnown = existsSync(join(folder, name)) || documents.some((other) => `/${other}`.endsWith(`/${name}`))
        if (!isKnown) tell(`there is no ${name}`)
      }
      for (const [, name] of line.matchAll(/npm run ([a-z][\w:-]*)(?![\w:-])(?![^`\n]* -w )/g)) {
        if (!(name in scripts)) tell(`there is no script "${name}" in package.json`)
      }
    })
}

const architecture = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
for (const name of readdirSync(join(root, 'docs', 'adr'))) {
  if (!architecture.includes(`docs/adr/${name}`))
    wrong.push(`ARCHITECTURE.md: the decision docs/adr/${name} is not listed`)
}

for (const line of wrong) console.error(line)
process.exit(wrong.length > 0 ? 1 : 0)
