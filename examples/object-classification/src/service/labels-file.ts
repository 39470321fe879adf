import { readFile } from 'node:fs/promises'

/** Reads the 1000 labels. @throws When the file is not a JSON array of 1000 strings. */
export async function readLabels(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`--labels ${file}: the file cannot be read; \`npm start\` fetches it`, { cause })
  })
  const labels = JSON.parse(text) as unknown
  if (!Array.isArray(labels) || labels.length !== 1000 || !labels.every((label) => typeof label === 'string'))
    throw new Error(`--labels ${file}: expected a JSON array of 1000 strings`)
  return labels
}
