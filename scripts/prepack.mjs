// Before `npm pack`: what is published is built, and what is built already is left alone, as programs of the workspace may be running from it.
import { build } from './setup.mjs'

build()
