/** Where configurations come from, as the command line names it. */
import { CollectorError } from '../component/index.ts'
import type { ConfigText } from './document.ts'
import { isScheme, readVariable, SCHEME, unsupported, type Environment } from './expand.ts'
import { readConfigText } from './read.ts'

/**
 * The texts of `--config`, in their order: a path or `file:PATH`, `env:NAME` for a variable that holds YAML, `yaml:TEXT` for YAML on the
 * spot, in which `::` goes a level down (`yaml:processors::batch::timeout: 2s`).
 *
 * @throws an Error that names what cannot be read; CollectorError `config` for a file that is too large
 */
export async function readConfigTexts(uris: readonly string[], env: Environment): Promise<ConfigText[]> {
  return Promise.all(uris.map((uri) => readUri(uri, env)))
}

async function readUri(uri: string, env: Environment): Promise<ConfigText> {
  const scheme = SCHEME.exec(uri)?.[1] ?? 'file'
  const body = SCHEME.test(uri) ? uri.slice(scheme.length + 1) : uri
  if (!isScheme(scheme)) throw new Error(`--config ${uri}: ${unsupported(scheme)}`)
  if (scheme === 'yaml') return { text: body, file: uri, isArgument: true }
  try {
    if (scheme === 'file') return { text: await readConfigText(body), file: body, path: body }
    const text = readVariable(env, body)
    if (text === undefined) throw new Error(`environment variable ${body} is not set`)
    return { text, file: uri }
  } catch (error) {
    if (error instanceof CollectorError) throw error
    throw new Error(`--config ${uri}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * The text of `--set KEY=VALUE`: a key with dots, as `processors.batch.timeout`, and its value in YAML. It goes over all files. A key that has a dot
 * in it cannot be set so.
 *
 * @throws an Error for an argument without a key or an equal sign
 */
export function setText(argument: string): ConfigText {
  const equal = argument.indexOf('=')
  const key = argument.slice(0, equal).trim()
  if (equal < 0 || key === '') {
    const missing = equal < 0 ? 'missing equal sign' : 'missing key'
    throw new Error(`--set ${argument}: ${missing}; write --set processors.batch.timeout=2s`)
  }
  const text = `${JSON.stringify(key.replaceAll('.', '::'))}: ${argument.slice(equal + 1)}`
  return { text, file: `--set ${argument}`, isArgument: true }
}
