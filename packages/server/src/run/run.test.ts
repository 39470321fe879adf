import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLookup } from './lookup.ts'
import { runTraced } from './run.ts'

let directory: string
let lines: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-run-'))
  lines = []
})

afterEach(() => rmSync(directory, { recursive: true }))

/** A script whose first line says what runs it. */
function script(name: string, ...content: string[]): void {
  writeFileSync(join(directory, name), content.join('\n'))
  chmodSync(join(directory, name), 0o755)
}

const run = (...command: string[]): Promise<number> =>
  runTraced(command, {
    service: undefined,
    endpoint: undefined,
    directory,
    env: { PATH: `${directory}:${process.env['PATH']}` },
    say: (line) => lines.push(line),
  })

test("the exit code is the command's, and its environment says where spans go", async () => {
  script('app', '#!/bin/sh', 'test "$OTEL_EXPORTER_OTLP_ENDPOINT" = http://localhost:4318 && exit 7')
  expect(await run('app')).toBe(7)
  expect(lines[0]).toMatch(/^"app" is no command of Node, Python or Java/)
})

test('a signal that ends the command is in the exit code', async () => {
  script('app', '#!/bin/sh', 'kill -TERM $$')
  expect(await run('app')).toBe(128 + 15)
})

test('a command of Python runs by what its environment has', async () => {
  script('uvicorn', '#!/usr/bin/env python3', '')
  script('opentelemetry-instrument', '#!/bin/sh', 'test "$1 $2" = "uvicorn app:app" && exit 9')
  expect(await run('uvicorn', 'app:app')).toBe(9)
})

test('a command that is not there', async () => {
  await expect(run('./nothing')).rejects.toThrow('cannot run ./nothing: there is no such command')
})

test('scripts are told by their first line', () => {
  script('a', '#!/usr/bin/env node', '')
  script('b', '#!/venv/bin/python3.13', '')
  script('c', '#!/bin/sh', '')
  script('d', 'ELF')
  const look = createLookup(directory, { PATH: directory })
  expect(['a', 'b', 'c', 'd', 'e'].map((name) => look.interpreter(name))).toEqual([
    'node',
    'python',
    undefined,
    undefined,
    undefined,
  ])
})
