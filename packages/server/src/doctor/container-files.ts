/** What files for containers say of where spans go: in a container 127.0.0.1 is the container itself. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { code, type Diagnosis, diagnosis, shell } from './diagnosis.ts'

const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
const ENDPOINT = /^OTEL_EXPORTER_OTLP_(?:TRACES_)?ENDPOINT$/
const LOOPBACK = /^((?:https?:\/\/)?)(?:localhost|127(?:\.\d+){3}|\[::1\])(?=[:/]|$)/i
/** Services to which spans may go, by their names or images. */
const RECEIVER = /spoor|otel|opentelemetry|collector|jaeger/i
/** What the machine that a container runs on is called in it. */
const HOST = 'host.docker.internal'

interface ComposeService {
  readonly image?: unknown
  readonly environment?: unknown
  readonly network_mode?: unknown
}

export function checkContainerFiles(directory: string): Diagnosis[] {
  return [...checkCompose(directory), ...checkDockerfile(directory)]
}

function checkCompose(directory: string): Diagnosis[] {
  const name = COMPOSE.find((one) => existsSync(join(directory, one)))
  if (name === undefined) return []
  const services = Object.entries(servicesIn(join(directory, name)))
  const receiver = services.find(
    ([service, { image }]) => RECEIVER.test(service) || (typeof image === 'string' && RECEIVER.test(image)),
  )?.[0]
  return services.flatMap(([service, { environment, network_mode: network }]) => {
    // Of the machine itself, or of another container.
    if (typeof network === 'string' && /^(?:host$|service:|container:)/.test(network)) return []
    return pairsOf(environment)
      .filter(([variable, value]) => ENDPOINT.test(variable) && LOOPBACK.test(value))
      .map(([variable, value]) => {
        const right = value.replace(LOOPBACK, `$1${receiver ?? HOST}`)
        return diagnosis(
          'loopback_of_container',
          `${name}: ${service} sends spans to ${value}, which in its container is the container itself.`,
          receiver === undefined
            ? 'Send to the machine that it runs on, where Spoor has to listen for others.'
            : `Send to ${receiver}, by the name that it has in their network; there it has to listen on 0.0.0.0.`,
          [
            code(`${variable}: ${right}`),
            ...(receiver === undefined
              ? [code(`extra_hosts: ['${HOST}:host-gateway']`), shell('spoor --host 0.0.0.0')]
              : []),
          ],
        )
      })
  })
}

function servicesIn(file: string): Readonly<Record<string, ComposeService>> {
  try {
    const { services } = parse(readFileSync(file, 'utf8')) as { services?: unknown }
    if (typeof services !== 'object' || services === null) return {}
    return Object.fromEntries(
      Object.entries(services).filter(([, service]) => typeof service === 'object' && service !== null),
    )
  } catch {
    // It is for docker compose to say what is wrong with it.
    return {}
  }
}

/** A map, or a list of `name=value`. */
function pairsOf(environment: unknown): (readonly [string, string])[] {
  if (Array.isArray(environment))
    return environment.map((entry) => {
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(String(entry)) ?? []
      return [name, value]
    })
  if (typeof environment !== 'object' || environment === null) return []
  return Object.entries(environment).map(([name, value]) => [name, typeof value === 'string' ? value : ''])
}

function checkDockerfile(directory: string): Diagnosis[] {
  const file = join(directory, 'Dockerfile')
  if (!existsSync(file)) return []
  return [...readFileSync(file, 'utf8').matchAll(/^\s*ENV\s+(OTEL_\w+)[=\s]\s*["']?([^\s"']+)/gim)]
    .filter(([, variable = '', value = '']) => ENDPOINT.test(variable) && LOOPBACK.test(value))
    .map(([, variable = '', value = '']) =>
      diagnosis(
        'loopback_of_container',
        `The Dockerfile sets ${variable}=${value}, which in the container is the container itself.`,
        'Send to the machine that it runs on, where Spoor has to listen for others; on Linux docker run needs --add-host=host.docker.internal:host-gateway.',
        [code(`ENV ${variable}=${value.replace(LOOPBACK, `$1${HOST}`)}`), shell('spoor --host 0.0.0.0')],
      ),
    )
}
