import type { Attributes } from '@opentelemetry/api'
import type { Settings } from './options.ts'
import { version } from './version.ts'

interface UserAgentData {
  readonly brands: readonly { readonly brand: string; readonly version: string }[]
  readonly mobile: boolean
  readonly platform: string
}

/** Who sends: the service and the browser, by the semantic conventions (resource/browser). Only what a page is told without asking. */
export function resourceOf(settings: Settings): Attributes {
  const data = (navigator as { userAgentData?: UserAgentData }).userAgentData
  return {
    'service.name': settings.service,
    ...(settings.version === undefined ? {} : { 'service.version': settings.version }),
    'telemetry.sdk.name': '@spoor/web',
    'telemetry.sdk.language': 'webjs',
    'telemetry.sdk.version': version,
    'browser.language': navigator.language,
    ...(data
      ? {
          'browser.brands': data.brands.map(({ brand, version }) => `${brand} ${version}`),
          'browser.mobile': data.mobile,
          'browser.platform': data.platform,
        }
      : {}),
    'user_agent.original': navigator.userAgent,
    ...settings.resourceAttributes,
  }
}
