// Runs the tests of Kafka's receiver and exporter at a real broker: `npm run kafka`. Kafka itself and what it needs is fetched from Maven's repository into a cache the first
// time; Java 17 and Maven have to be there. Whatever follows goes to vitest, as `wire -t "by trace"`.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const KAFKA = '4.1.0'
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const testkit = join(root, 'packages/collector/src/kafka-helper/testkit')
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')

function need(command, args, advice) {
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return
  process.stderr.write(`"${command} ${args.join(' ')}" does not work here: ${advice}\n`)
  process.exit(1)
}

/** The folder with the jars. */
function jars() {
  const folder = join(cache, 'spoor', `kafka-${KAFKA}`)
  const lib = join(folder, 'lib')
  if (existsSync(join(folder, 'fetched'))) return lib
  need('mvn', ['--version'], 'install Maven (Debian: maven)')
  process.stderr.write(`fetching Kafka ${KAFKA} into ${folder}\n`)
  mkdirSync(folder, { recursive: true })
  const dependency = (group, artifact, version) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  const dependencies =
    dependency('org.apache.kafka', 'kafka_2.13', KAFKA) + dependency('org.slf4j', 'slf4j-simple', '1.7.36')
  const project = `<project><modelVersion>4.0.0</modelVersion><groupId>spoor</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>${dependencies}</dependencies></project>\n`
  writeFileSync(join(folder, 'pom.xml'), project)
  const copy = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime']
  const { status } = spawnSync('mvn', copy, { cwd: folder, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(join(folder, 'fetched'), '')
  return lib
}

need('java', ['-version'], 'install Java 17 or newer (Debian: openjdk-17-jre-headless)')
const tests = spawn('vitest', ['run', '--config', join(testkit, 'vitest.config.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, SPOOR_KAFKA_JARS: process.env.SPOOR_KAFKA_JARS ?? jars() },
})
tests.once('exit', (code) => process.exit(code ?? 1))
