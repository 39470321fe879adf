// What a run of tests says of itself, as `npm test` sums it up: written by vitest, as JSON, to the file that $SPOOR_TEST_REPORT names. Unlike vitest's own
// JSON it has what failed outside of tests: in hooks, while a file was loaded, or after a test was over.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Of one error: the test's file, where it was thrown, as near to the test as is known, and the first line that it says. */
function failure(name, file, error) {
  const stacks = error?.stacks ?? []
  const { file: thrower = file, line } = stacks.find((each) => each.file === file) ?? stacks[0] ?? {}
  const [message] = stripVTControlCharacters(String(error?.message ?? error)).split('\n')
  const place = thrower && relative(process.cwd(), thrower)
  const cause = error?.cause?.message && `: ${String(error.cause.message).split('\n')[0]}`
  return {
    name,
    file,
    place: line === undefined ? (place ?? '') : `${place}:${line}`,
    message: `${message}${cause ?? ''}`,
  }
}

// vitest takes a reporter's file by its default export.
// oxlint-disable-next-line import/no-default-export
export default class Reporter {
  onTestRunEnd(modules, unhandledErrors) {
    const report = { passed: 0, failed: 0, skipped: 0, files: [], failures: [] }
    const fail = (name, file, errors) =>
      report.failures.push(...errors.slice(0, 1).map((error) => failure(name, file, error)))
    for (const module of modules) {
      const file = module.moduleId
      const name = relative(process.cwd(), file)
      report.files.push({ name, seconds: module.diagnostic().duration / 1000 })
      fail(`${name}, as a whole`, file, module.errors())
      for (const suite of module.children.allSuites()) fail(suite.fullName, file, suite.errors())
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        report[state === 'pending' ? 'skipped' : state]++
        if (state === 'failed') fail(test.fullName, file, errors)
      }
    }
    for (const error of unhandledErrors) {
      const { VITEST_TEST_NAME: last, VITEST_TEST_PATH: file } = error
      fail(last === undefined ? 'outside of any test' : `in or after "${last}"`, file, [error])
    }
    writeFileSync(process.env.SPOOR_TEST_REPORT, JSON.stringify(report))
  }
}
