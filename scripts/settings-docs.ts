import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsReference } from '../src/settings/reference.ts'

// Writes docs/settings.md from the table of settings: node scripts/run.mjs scripts/settings-docs.ts
writeFileSync(join(import.meta.dirname, '..', 'docs', 'settings.md'), settingsReference())
