import type { Random } from '../random.ts'
import { work, type Operation, type Step } from './behaviour.ts'
import { duration } from './chance.ts'
import type { EventDraft } from './draft.ts'
import type { Language } from './services.ts'

/** The spans of the web framework around what an operation does: middlewares before it, a controller around it. */
export function withFramework({ entry, name, steps }: Operation, language: Language): readonly Step[] {
  if (entry.protocol !== 'http' || steps.length === 0) return steps
  if (language === 'nodejs')
    return [work('middleware - expressInit', 0.02), work('middleware - jsonParser', 0.1), ...steps]
  if (language === 'java') return [work(`${name.replaceAll(/[^a-z]/g, '')}Controller.handle`, 0.2, ...steps)]
  return steps
}

/** What a browser tells of the loading of a page that begins at `start`, nanoseconds. */
export function pageEvents(random: Random, start: number): EventDraft[] {
  let at = start
  return PAGE_EVENTS.map((name) => {
    const event = { at, name, attributes: {} }
    at += duration(random, 14)
    return event
  })
}

const PAGE_EVENTS = [
  'fetchStart',
  'domainLookupStart',
  'domainLookupEnd',
  'connectStart',
  'secureConnectionStart',
  'connectEnd',
  'requestStart',
  'responseStart',
  'responseEnd',
  'domInteractive',
  'domContentLoadedEventEnd',
  'domComplete',
  'loadEventEnd',
]
