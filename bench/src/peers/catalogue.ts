import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A program that Spoor is compared with, or tried against, and how it is made. Versions are pinned here and in the manifest. */
export type Peer = {
  /** Its file in the peers' folder; of `python` a virtual environment. */
  readonly name: PeerName
  readonly title: string
  readonly version: string
} & Recipe

export type PeerName =
  | 'otelcol'
  | 'jaeger'
  | 'tracegen'
  | 'telemetrygen'
  | 'h2spec'
  | 'python'
  | 'tutorial-jaeger'
  | 'tutorial-otelcol'

export type Recipe =
  /** The Collector's own builder makes it of a manifest. */
  | { readonly from: 'builder'; readonly builder: string; readonly manifest: string }
  /** A main package of a Go module. */
  | { readonly from: 'go'; readonly package: string }
  /** A main package of a Go module, with the versions, replacements and checksums of all others that the module was released with. */
  | { readonly from: 'go release'; readonly module: string; readonly main: string }
  /** Packages from PyPI in a virtual environment. */
  | { readonly from: 'pip'; readonly packages: readonly string[] }

const manifest = (name: string) => fileURLToPath(new URL(`../../peers/${name}.yaml`, import.meta.url))

const COLLECTOR = '0.160.0'
const JAEGER = '1.76.0'
const PYTHON_SDK = '1.45.2'
/** Without a go.mod of its own, as Go calls it. */
const H2SPEC = '2.2.1+incompatible'

/** What the tutorial starts, in the versions that it names: jaegertracing/jaeger:2.9.0, whose Go module is called 1.72.0, and otelcol-contrib. */
const TUTORIAL_JAEGER = '1.72.0'
const TUTORIAL_COLLECTOR = '0.133.0'

/** What is built together when it is asked for, and not without: `npm run peers -- tutorial`. */
export const GROUPS: Readonly<Record<string, readonly PeerName[]>> = {
  tutorial: ['tutorial-jaeger', 'tutorial-otelcol'],
}

export const PEERS: readonly Peer[] = [
  {
    name: 'otelcol',
    title: 'OpenTelemetry Collector',
    version: COLLECTOR,
    from: 'builder',
    builder: `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR}`,
    // Its parts, with the ones from contrib that golden pairs are asked of.
    manifest: manifest('otelcol'),
  },
  {
    name: 'jaeger',
    title: 'Jaeger',
    version: JAEGER,
    from: 'go',
    package: `github.com/jaegertracing/jaeger/cmd/jaeger@v${JAEGER}`,
  },
  {
    name: 'tracegen',
    title: "Jaeger's load generator",
    version: JAEGER,
    from: 'go',
    package: `github.com/jaegertracing/jaeger/cmd/tracegen@v${JAEGER}`,
  },
  {
    name: 'telemetrygen',
    title: "OpenTelemetry's load generator",
    version: COLLECTOR,
    from: 'go',
    package: `github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v${COLLECTOR}`,
  },
  {
    name: 'h2spec',
    title: 'conformance tests of HTTP/2, h2spec',
    version: H2SPEC,
    from: 'go',
    package: `github.com/summerwind/h2spec/cmd/h2spec@v${H2SPEC}`,
  },
  {
    name: 'python',
    title: 'OpenTelemetry SDK for Python',
    version: PYTHON_SDK,
    from: 'pip',
    packages: [`opentelemetry-sdk==${PYTHON_SDK}`, `opentelemetry-exporter-otlp==${PYTHON_SDK}`],
  },
  {
    name: 'tutorial-jaeger',
    title: "the tutorial's Jaeger 2.9.0, module",
    version: TUTORIAL_JAEGER,
    from: 'go release',
    module: `github.com/jaegertracing/jaeger@v${TUTORIAL_JAEGER}`,
    main: './cmd/jaeger',
  },
  {
    name: 'tutorial-otelcol',
    title: "the tutorial's otelcol-contrib",
    version: TUTORIAL_COLLECTOR,
    from: 'builder',
    builder: `go.opentelemetry.io/collector/cmd/builder@v${TUTORIAL_COLLECTOR}`,
    manifest: manifest('tutorial-otelcol'),
  },
]

/** Peers by their names and those of groups; without a name all that belong to no group. @throws For a name that there is not. */
export function choosePeers(names: readonly string[]): readonly Peer[] {
  if (names.length === 0)
    return PEERS.filter(({ name }) => !Object.values(GROUPS).some((group) => group.includes(name)))
  const wanted = names.flatMap((name): readonly string[] => GROUPS[name] ?? [name])
  const unknown = wanted.find((name) => !PEERS.some((peer) => peer.name === name))
  if (unknown !== undefined) throw new Error(`there is no peer ${unknown}`)
  return PEERS.filter(({ name }) => wanted.includes(name))
}

/** What a peer is made of, as one text: another text, and it is built again. */
export function recipeOf(peer: Peer): string {
  if (peer.from === 'go') return peer.package
  if (peer.from === 'go release') return `${peer.module} ${peer.main}`
  if (peer.from === 'pip') return peer.packages.join(' ')
  return `${peer.builder} ${createHash('sha256').update(readFileSync(peer.manifest)).digest('hex').slice(0, 16)}`
}
