import type { Random } from '../random.ts'
import { pad } from '../shop.ts'
import type { Attributes } from './draft.ts'
import { SERVICES, type Language, type Service } from './services.ts'
import { hex } from './subject.ts'

/** A running process of a service. */
export interface Instance {
  readonly service: Service
  /** Its place among all instances. */
  readonly index: number
  readonly resource: Attributes
  /** By how many nanoseconds its clock is ahead. */
  readonly skew: number
  /** `10.x.y.z` */
  readonly address: string
}

interface Runtime {
  readonly sdk: string
  readonly name: string
  readonly version: string
  readonly description: string
  readonly command: string
}

const RUNTIMES: Readonly<Record<Language, Runtime>> = {
  nodejs: { sdk: '2.1.0', name: 'nodejs', version: '22.19.0', description: 'Node.js', command: 'node dist/main.js' },
  java: {
    sdk: '1.54.1',
    name: 'OpenJDK Runtime Environment',
    version: '21.0.8+9-LTS',
    description: 'Eclipse Adoptium OpenJDK 64-Bit Server VM 21.0.8+9-LTS',
    command: 'java -XX:MaxRAMPercentage=75 -javaagent:/otel/opentelemetry-javaagent.jar -jar /app/app.jar',
  },
  python: {
    sdk: '1.37.0',
    name: 'cpython',
    version: '3.13.7',
    description: '3.13.7 (main, Aug 14 2025, 19:34:12) [GCC 12.2.0]',
    command: 'uvicorn app.main:app --workers 4',
  },
  go: {
    sdk: '1.38.0',
    name: 'go',
    version: 'go1.25.1',
    description: 'go version go1.25.1 linux/amd64',
    command: '/server',
  },
  dotnet: { sdk: '1.13.1', name: '.NET', version: '9.0.9', description: '.NET 9.0.9', command: 'dotnet Service.dll' },
  webjs: { sdk: '2.1.0', name: 'browser', version: '141', description: '', command: '' },
  swift: { sdk: '2.1.0', name: 'swift', version: '6.1', description: '', command: '' },
  cpp: { sdk: '1.23.0', name: 'envoy', version: '1.35.3', description: '', command: 'envoy -c /etc/envoy/envoy.yaml' },
}

/** Some clocks are wrong: by 120 ms, a tenth of that, or, of one host, by more than two seconds. */
const SKEWS_MS = [0, 0, 0, 0.4, -0.7, 12, 0, -120, 0, 0, 0, 2_300]

const BROWSER_LANGUAGES = ['de-DE', 'en-US', 'fr-FR', 'ja-JP', 'zh-CN', 'pt-BR', 'ar-EG', 'ru-RU']
const CITIES = ['Köln', 'São Paulo', '東京', 'Lyon', 'القاهرة', 'Austin', 'Санкт-Петербург', '上海']

export function createInstances(random: Random): Instance[] {
  return SERVICES.flatMap((service) =>
    Array.from({ length: service.instances }, (_, number) => ({ service, number })),
  ).map(({ service, number }, index) => ({
    service,
    index,
    resource: resourceOf(service, number, random),
    skew: isClient(service)
      ? (random.below(4_000) - 2_000) * 1_000_000
      : (SKEWS_MS[index % SKEWS_MS.length] ?? 0) * 1e6,
    address: `10.${40 + (index % 4)}.${random.below(256)}.${1 + random.below(254)}`,
  }))
}

const isClient = (service: Service): boolean => service.language === 'webjs' || service.language === 'swift'

function resourceOf(service: Service, number: number, random: Random): Attributes {
  const runtime = RUNTIMES[service.language]
  const common: Attributes = {
    'service.name': service.name,
    'service.namespace': 'market',
    'service.version': `${1 + (service.port % 7)}.${service.port % 31}.${number % 3}`,
    'deployment.environment.name': 'production',
    'telemetry.sdk.language': service.language,
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': runtime.sdk,
  }
  if (isClient(service)) {
    return {
      ...common,
      'browser.language': BROWSER_LANGUAGES[number % BROWSER_LANGUAGES.length] ?? '',
      'browser.mobile': service.language === 'swift' || number % 3 === 0,
      'browser.brands': ['Chromium 141', 'Not?A_Brand 8'],
      'geo.locality.name': CITIES[number % CITIES.length] ?? '',
      'device.id': uuid(random),
    }
  }
  const pod = `${service.name}-${hex(random, 8)}${hex(random, 1)}-${hex(random, 5)}`
  const node = `ip-10-0-${number % 3}-${random.below(250)}.eu-central-1.compute.internal`
  return {
    ...common,
    'service.instance.id': uuid(random),
    'host.name': pod,
    'host.id': `i-${hex(random, 8)}${hex(random, 8)}`,
    'host.arch': 'amd64',
    'os.type': 'linux',
    'os.description': 'Linux 6.12.46 #1 SMP PREEMPT_DYNAMIC',
    'cloud.provider': 'aws',
    'cloud.region': 'eu-central-1',
    'cloud.availability_zone': `eu-central-1${'abc'[number % 3]}`,
    'k8s.cluster.name': 'market-prod-1',
    'k8s.namespace.name': 'market',
    'k8s.deployment.name': service.name,
    'k8s.pod.name': pod,
    'k8s.pod.uid': uuid(random),
    'k8s.pod.start_time': `2026-0${1 + random.below(9)}-1${random.below(10)}T0${random.below(10)}:12:${10 + random.below(50)}Z`,
    'k8s.container.name': service.name,
    'k8s.node.name': node,
    'container.id': Array.from({ length: 8 }, () => hex(random, 8)).join(''),
    'process.pid': 1 + random.below(60),
    'process.command_args': runtime.command.split(' '),
    'process.executable.name': runtime.command.split(' ')[0] ?? '',
    'process.runtime.name': runtime.name,
    'process.runtime.version': runtime.version,
    'process.runtime.description': runtime.description,
    ...(service.language === 'java'
      ? { 'telemetry.distro.name': 'opentelemetry-java-instrumentation', 'telemetry.distro.version': '2.20.1' }
      : {}),
    'app.commit': `${hex(random, 8)}${pad(random.below(100), 2)}`,
  }
}

const uuid = (random: Random): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-9${hex(random, 3)}-${hex(random, 8)}${hex(random, 4)}`
