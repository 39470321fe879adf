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

export type PeerName = 'otelcol' | 'jaeger' | 'tracegen' | 'telemetrygen' | 'h2spec' | 'python'

export type Recipe =
  /** The Collector's own builder makes it of a manifest. */
  | { readonly from: 'builder'; readonly builder: string; readonly manifest: string }
  /** A main package of a Go module. */
  | { readonly from: 'go'; readonly package: string }
  /** Packages from PyPI in a virtual environment. */
  | { readonly from: 'pip'; readonly packages: readonly string[] }

/** The manifest of the Collector: its parts, with the ones from contrib that golden pairs are asked of. */
const MANIFEST = fileURLToPath(new URL('../../peers/otelcol.yaml', import.meta.url))

const COLLECTOR = '0.160.0'
const JAEGER = '1.76.0'
const PYTHON_SDK = '1.45.2'
/** Without a go.mod of its own, as Go calls it. */
const H2SPEC = '2.2.1+incompatible'

export const PEERS: readonly Peer[] = [
  {
    name: 'otelcol',
    title: 'OpenTelemetry Collector',
    version: COLLECTOR,
    from: 'builder',
    builder: `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR}`,
    manifest: MANIFEST,
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
]

/** What a peer is made of, as one text: another text, and it is built again. */
export function recipeOf(peer: Peer): string {
  if (peer.from === 'go') return peer.package
  if (peer.from === 'pip') return peer.packages.join(' ')
  return `${peer.builder} ${createHash('sha256').update(readFileSync(peer.manifest)).digest('hex').slice(0, 16)}`
}
