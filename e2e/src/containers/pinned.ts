/**
 * The images that the tutorial pins, jaegertracing/jaeger:2.9.0 and otel/opentelemetry-collector-contrib:0.133.0: no registry
 * is asked for them. Their programs are built by `npm run peers -- tutorial` and put where the images have them, to be
 * started as these start them: github.com/jaegertracing/jaeger, cmd/jaeger/Dockerfile at 2.9.0;
 * github.com/open-telemetry/opentelemetry-collector-releases, distributions/otelcol-contrib/Dockerfile at 0.133.0.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Image } from './images.ts'

export const PINNED_JAEGER = 'jaegertracing/jaeger:2.9.0'
export const PINNED_COLLECTOR = 'otel/opentelemetry-collector-contrib:0.133.0'

interface Pinned extends Pick<Image, 'env' | 'entrypoint' | 'cmd' | 'exposed' | 'volumes'> {
  /** Its file among the peers. */
  readonly peer: string
}

const PINNED: Readonly<Record<string, Pinned>> = {
  [PINNED_JAEGER]: {
    peer: 'tutorial-jaeger',
    env: { JAEGER_LISTEN_HOST: '0.0.0.0' },
    entrypoint: ['/cmd/jaeger/jaeger-linux'],
    cmd: [],
    exposed: [4317, 4318, 5778, 5779, 9411, 13132, 13133, 14250, 14268, 16686],
    volumes: ['/tmp'],
  },
  [PINNED_COLLECTOR]: {
    peer: 'tutorial-otelcol',
    env: {},
    entrypoint: ['/otelcol-contrib'],
    cmd: ['--config', '/etc/otelcol-contrib/config.yaml'],
    exposed: [4317, 4318, 55678, 55679],
    volumes: [],
  },
}
/** Both images run as this one. */
const USER = '10001:10001'

/** `PEERS`, or the folder in which `npm run peers` builds. */
function peersFolder({ PEERS, XDG_CACHE_HOME }: NodeJS.ProcessEnv = process.env): string {
  return PEERS ?? join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'spoor', 'peers')
}

/** What is missing for them and how to have it; undefined where both are there. */
export function whyNotPinned(): string | undefined {
  const missing = Object.values(PINNED).find(({ peer }) => !existsSync(join(peersFolder(), peer)))
  return missing && `there is no ${join(peersFolder(), missing.peer)}: npm run peers -- tutorial builds it`
}

/** Both images, by their names; none where one of the programs is missing. @param base What lies below, with the system's libraries. */
export function pinnedImages(work: string, base: Image): Record<string, Image> {
  if (whyNotPinned() !== undefined) return {}
  return Object.fromEntries(
    Object.entries(PINNED).map(([name, { peer, ...image }]) => {
      const layer = join(work, 'layers', peer)
      const program = join(layer, image.entrypoint[0]!)
      mkdirSync(dirname(program), { recursive: true })
      copyFileSync(join(peersFolder(), peer), program)
      chmodSync(program, 0o755)
      const env = { PATH: base.env['PATH'] ?? '', ...image.env }
      return [name, { ...image, layers: [base.layers[0]!, layer], env, workdir: '/', user: USER, health: undefined }]
    }),
  )
}
