/** The config of the `resource_detection` processor; keys and defaults as in the OpenTelemetry Collector's resourcedetectionprocessor. */
import { z } from 'zod'
import { durationMs, section, stringList, withoutEffect } from '../../component/index.ts'

const DETECTORS = ['env', 'system'] as const
export const HOSTNAME_SOURCES = ['dns', 'os', 'cname', 'lookup'] as const

const detector = z.enum(DETECTORS, {
  error: ({ input }) =>
    `there is no detector ${JSON.stringify(input)} here; known: ${DETECTORS.join(', ')}. What another would tell can be in OTEL_RESOURCE_ATTRIBUTES, which env reads`,
})

const split = (input: unknown): unknown =>
  typeof input === 'string' ? input.split(',').map((part) => part.trim()) : input

const attribute = (isOn: boolean, what: string) =>
  section({ enabled: z.boolean().default(isOn) })
    .prefault({})
    .describe(what)

export const resourceDetectionConfig = section({
  detectors: z
    .preprocess(split, z.array(detector))
    .default(['env'])
    .describe(
      'What is asked: `env`, the variable OTEL_RESOURCE_ATTRIBUTES, and `system`, the machine. Of an attribute that several tell, the first counts.',
    ),
  override: z.boolean().default(true).describe('Whether what is found replaces attributes that resources have.'),
  timeout: durationMs.prefault('5s').describe('How long the machine may be asked for its name.'),
  refresh_interval: durationMs.prefault('0s').describe('How often they are asked anew. 0: at the start only.'),
  env: section({
    allowlist: stringList.optional().describe('The attributes that are taken of the variable. Default: all.'),
  }).prefault({}),
  system: section({
    hostname_sources: z
      .preprocess(split, z.array(z.enum(HOSTNAME_SOURCES)))
      .default(['dns', 'os'])
      .transform((sources) => (sources.length > 0 ? sources : (['dns', 'os'] as const)))
      .describe(
        'Where the name of the host comes from, the first that tells one: `dns`, the full name that its address has; `os`, what the system says; `cname`; `lookup`, the name that a name server has for its address.',
      ),
    resource_attributes: section({
      'host.name': attribute(true, 'The name of the host.'),
      'host.id': attribute(false, 'The id of the machine (`/etc/machine-id`).'),
      'host.arch': attribute(false, 'Its processor, as `amd64`.'),
      'host.ip': attribute(false, 'Its addresses, but those that are its own alone.'),
      'host.mac': attribute(false, 'The hardware addresses of its interfaces.'),
      'os.type': attribute(true, 'The system, as `linux`.'),
      'host.interface': attribute(false, 'The names of its interfaces.'),
      'host.cpu.vendor.id': attribute(false, 'Who makes its processor (`/proc/cpuinfo`, as those below).'),
      'host.cpu.family': attribute(false, 'The family of the processor.'),
      'host.cpu.model.id': attribute(false, 'Its model, as a number.'),
      'host.cpu.model.name': attribute(false, 'Its model, as a name.'),
      'host.cpu.stepping': attribute(false, 'Its stepping.'),
      'host.cpu.cache.l2.size': attribute(false, 'Its cache, in KiB.'),
      'os.description': attribute(false, 'The system, with its version.'),
      'os.name': attribute(false, 'The system, as `debian` (`/etc/os-release`).'),
      'os.version': attribute(false, 'The version of the system.'),
      'os.build.id': attribute(false, 'The build of the system; where it has none, that of its kernel.'),
    }).prefault({}),
  }).prefault({}),
  fail_on_missing_metadata: withoutEffect(z.boolean().default(false), 'no detector asks a metadata service'),
})

export type ResourceDetectionConfig = z.infer<typeof resourceDetectionConfig>
