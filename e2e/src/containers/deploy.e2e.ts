/** What the manifests of `deploy/` name is there: images, commands, options, variables, ports, probes, keys. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { OTHER_VARIABLES, optionsOf, portsOf, roleOf, spoor, variableOf, workspace } from './cli-options.ts'
import { readManifests } from './manifests.ts'
import type { Container, Kustomization, Manifest, PodSpec, Probe } from './manifests.ts'

const kubernetes = join(workspace, 'deploy/kubernetes')
const BASES = globSync('base/*', { cwd: kubernetes }).sort()
const OVERLAYS = globSync('overlays/*', { cwd: kubernetes }).sort()

function kustomizationOf(folder: string): Kustomization {
  return parse(readFileSync(join(kubernetes, folder, 'kustomization.yaml'), 'utf8')) as Kustomization
}

function manifestsOf(folder: string): Manifest[] {
  const { resources } = kustomizationOf(folder)
  return resources
    .filter((path) => path.endsWith('.yaml'))
    .flatMap((path) => readManifests(join(kubernetes, folder, path)))
}

/** The text of a file that a generator puts into a map, by the map's name and the key. */
function configOf(folder: string, map: string, key: string): string {
  const generator = kustomizationOf(folder).configMapGenerator?.find(({ name }) => name === map)
  const file = generator?.files.map((entry) => entry.split('=')).find(([name]) => name === key)
  if (!file) throw new Error(`${folder}: no generator makes ${key} of the map ${map}`)
  return readFileSync(join(kubernetes, folder, file.at(-1)!), 'utf8')
}

/** The file that `--config` names, from where the pod has it. */
function mountedConfig(folder: string, pod: PodSpec, container: Container): string | undefined {
  const path = container.args?.[container.args.indexOf('--config') + 1]
  if (path === undefined || !container.args?.includes('--config')) return undefined
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === dirname(path))
  const volume = pod.volumes?.find(({ name }) => name === mount?.name)
  if (!volume?.configMap) throw new Error(`${container.name}: nothing is mounted at ${path}`)
  return configOf(folder, volume.configMap.name, path.slice(dirname(path).length + 1))
}

function probe(container: Container, name: string): Probe | undefined {
  return container[name] as Probe | undefined
}

/** What a container of ours says is what the program takes. */
function checkOwn(folder: string, pod: PodSpec, container: Container): void {
  const { args = [], env = [] } = container
  const { role, options } = roleOf(args)
  const known = optionsOf(role)
  expect(known.length, `spoor ${role} --help`).toBeGreaterThan(3)
  for (const option of options) expect(known, `spoor ${role}`).toContain(option)
  const config = mountedConfig(folder, pod, container)
  for (const { name } of env) {
    const isRead = [...known.map(variableOf), ...OTHER_VARIABLES].includes(name) || config?.includes(`\${env:${name}`)
    expect(isRead, `spoor ${role} reads ${name}`).toBe(true)
  }
  for (const name of config?.matchAll(/\$\{env:(\w+)(:-)?/g) ?? [])
    expect(name[2] !== undefined || env.some((one) => one.name === name[1]), name[0]).toBe(true)
}

const pods = (folder: string): { manifest: Manifest; pod: PodSpec }[] =>
  manifestsOf(folder).flatMap((manifest) => {
    const pod = manifest.spec?.template?.spec
    return pod ? [{ manifest, pod }] : []
  })

describe.each(BASES)('%s', (folder) => {
  it('starts our program with what it takes, and asks it how it is where it answers', () => {
    for (const { pod } of pods(folder))
      for (const container of pod.containers) {
        if (container.image !== 'spoor') continue
        checkOwn(folder, pod, container)
        const { role } = roleOf(container.args ?? [])
        const { ports = [] } = container
        const open = portsOf(role, mountedConfig(folder, pod, container))
        expect(new Set(ports.map(({ containerPort }) => containerPort))).toEqual(new Set(open))
        const [live, ready] = role === 'collector' ? ['/', '/'] : ['/health', '/ready']
        expect(probe(container, 'livenessProbe')?.httpGet?.path).toBe(live)
        expect(probe(container, 'readinessProbe')?.httpGet?.path).toBe(ready)
        const asked = { '': 'page', query: 'page', ingest: 'status', collector: 'health' }[role]
        for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'])
          expect([asked, undefined]).toContain(probe(container, name)?.httpGet?.port)
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        // What it writes to is there: its data, and where Node keeps what it compiles.
        const paths = container.volumeMounts?.map(({ mountPath }) => mountPath)
        expect(paths).toContain('/tmp')
        const data = container.env?.find(({ name }) => name === 'SPOOR_DATA')?.value
        expect(data === undefined || paths?.some((path) => data.startsWith(path)), data).toBe(true)
      }
  })

  it('has probes, ports, maps and volumes that fit together, and nobody is root', () => {
    for (const { manifest, pod } of pods(folder)) {
      expect(pod.enableServiceLinks, manifest.metadata.name).toBe(false)
      expect(pod.securityContext?.['runAsNonRoot']).toBe(true)
      const volumes = [
        ...(pod.volumes ?? []),
        ...(manifest.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata),
      ]
      for (const container of pod.containers) {
        const names = container.ports?.map(({ name }) => name) ?? []
        for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
          const { httpGet, tcpSocket } = probe(container, name) ?? {}
          const port = httpGet?.port ?? tcpSocket?.port
          if (port !== undefined) expect(names, `${container.name}, ${name}`).toContain(port)
        }
        for (const { name, subPath } of container.volumeMounts ?? []) {
          expect(
            volumes.map((volume) => volume.name),
            container.name,
          ).toContain(name)
          const map = pod.volumes?.find((volume) => volume.name === name)?.configMap
          if (map && subPath !== undefined) expect(configOf(folder, map.name, subPath)).not.toBe('')
        }
        if (manifest.kind !== 'Job')
          expect(container.resources?.limits?.['memory'], container.name).toMatch(/^\d+[MG]i$/)
      }
    }
  })

  it('has services in front of ports that are there', () => {
    const all = manifestsOf(folder)
    for (const { kind, metadata, spec } of all) {
      if (kind !== 'Service') continue
      const behind = pods(folder).filter(({ manifest }) => {
        const labels = manifest.spec?.template?.metadata?.labels ?? {}
        return Object.entries(spec?.selector ?? {}).every(([key, value]) => labels[key] === value)
      })
      expect(behind.length, metadata.name).toBeGreaterThan(0)
      for (const { pod } of behind) {
        const names = pod.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))
        for (const { targetPort } of spec?.ports ?? []) expect(names, metadata.name).toContain(targetPort)
      }
    }
    for (const { kind, spec } of all)
      if (kind === 'StatefulSet')
        expect(all.filter((one) => one.kind === 'Service').map(({ metadata }) => metadata.name)).toContain(
          spec?.serviceName,
        )
  })
})

describe.each(OVERLAYS)('%s', (folder) => {
  const { resources, images = [], secretGenerator = [], patches = [] } = kustomizationOf(folder)
  const bases = resources.filter((path) => path.startsWith('../../')).map((path) => path.replace('../../', ''))
  const patched = patches.flatMap(({ path }) =>
    path === undefined ? [] : readManifests(join(kubernetes, folder, path)),
  )

  it('names what is there', () => {
    for (const path of resources) expect(existsSync(resolve(kubernetes, folder, path)), path).toBe(true)
    for (const base of bases) expect(BASES).toContain(base)
  })

  it('gives each image a version, and each secret its keys', () => {
    const containers = bases.flatMap((base) => pods(base)).flatMap(({ pod }) => pod.containers)
    const used = new Set(containers.map(({ image }) => image))
    expect(new Set(images.map(({ name }) => name))).toEqual(used)
    const version = (
      JSON.parse(readFileSync(join(workspace, 'packages/server/package.json'), 'utf8')) as { version: string }
    ).version
    expect(images.find(({ name }) => name === 'spoor')?.newTag).toBe(version)
    for (const { env = [] } of containers)
      for (const { valueFrom } of env) {
        const wanted = valueFrom?.secretKeyRef
        if (!wanted) continue
        const literals = secretGenerator.find(({ name }) => name === wanted.name)?.literals ?? []
        expect(literals.map((literal) => literal.split('=')[0])).toContain(wanted.key)
      }
  })

  it('patches containers that are there, with what they take', () => {
    for (const { kind, metadata, spec } of patched) {
      const of = bases
        .flatMap(pods)
        .find(({ manifest }) => manifest.kind === kind && manifest.metadata.name === metadata.name)
      for (const container of spec?.template?.spec.containers ?? []) {
        const patchedOne = of?.pod.containers.find(({ name }) => name === container.name)
        expect(patchedOne?.image, `${metadata.name} ${container.name}`).toBe('spoor')
        checkOwn(folder, spec!.template!.spec, container)
      }
    }
  })

  it('stores where a store is', () => {
    const address = secretGenerator
      .flatMap(({ literals }) => literals)
      .find((literal) => literal.startsWith('address='))
    if (address === undefined) return
    const { hostname, port } = new URL(address.slice('address='.length))
    const service = bases
      .flatMap(manifestsOf)
      .find(({ kind, metadata }) => kind === 'Service' && metadata.name === hostname)
    expect(service?.spec?.ports?.map((one) => one.port)).toContain(Number(port))
  })
})

it.each(globSync('{base,overlays}/*/{config,ingest}.yaml', { cwd: kubernetes }))(
  '%s is a valid configuration',
  (file) => {
    const { status, output } = spoor('validate', '--config', join(kubernetes, file))
    expect({ status, output }).toEqual({ status: 0, output: `${join(kubernetes, file)} is valid\n` })
  },
)

it('the statements for the tables are those of the program', () => {
  const file = join(kubernetes, 'base/clickhouse-cluster/schema.sql')
  const said = /spoor (clickhouse schema .*)$/m.exec(readFileSync(join(dirname(file), 'schema.yaml'), 'utf8'))![1]!
  expect(readFileSync(file, 'utf8'), `write it anew: npx spoor ${said} > ${file}`).toBe(
    spoor(...said.split(' ')).output,
  )
})

it('what the sizes of one machine run differs from the cluster’s in its brokers alone', () => {
  const plain = (file: string): string =>
    readFileSync(join(workspace, 'deploy', file), 'utf8')
      .replace(/^#.*\n/, '')
      .replace(/brokers: \[.*\]/, '')
  expect(plain('large/agent.yaml')).toBe(plain('kubernetes/base/agent/config.yaml'))
  expect(plain('large/ingest.yaml')).toBe(plain('kubernetes/overlays/large/ingest.yaml'))
})
