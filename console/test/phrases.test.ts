import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import ar from '../../src/keepclear/phrases/ar/console.json'
import en from '../../src/keepclear/phrases/en/console.json'
import { FORMS } from '../src/act/forms.ts'
import type { Field } from '../src/act/fields.ts'
import {
  ACTS, ASSET_KINDS, BASES, CERTAINTIES, COVERAGE_STATES, FINDING_KINDS, GROUP_STATES, HEAD_CLASSES, HOPS, INSIDE, INTENT_STATES, LINE_STATES,
  PLAN_KINDS, PRECISIONS, RECIPIENT_STATES, REPLIES, SENSORS, STATUSES, THREAD_KINDS, URGENCIES, VERDICTS,
} from '../src/model.ts'
import { LAYERS } from '../src/map/things.ts'
import { NODE_WORDS } from '../src/phrases.svelte.ts'
import { AREAS } from '../src/route.svelte.ts'
import { hasRightToLeft, placeholders } from '../src/text.ts'

const EN: Record<string, string> = en
const AR: Record<string, string> = ar

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(join(folder, entry.name)) : /\.(ts|svelte)$/.test(entry.name) ? [join(folder, entry.name)] : [])
}
const code = sources(join(import.meta.dirname, '../src')).map((file) => readFileSync(file, 'utf8')).join('\n')

describe('the catalogue', () => {
  it('has the same keys in both languages', () => {
    expect(Object.keys(AR)).toEqual(Object.keys(EN))
  })
  it('expects the same values in both languages', () => {
    for (const key of Object.keys(EN)) expect(placeholders(AR[key] ?? ''), key).toEqual(placeholders(EN[key] ?? ''))
  })
  it('is in Arabic where it should be', () => {
    const same = ['lang.en', 'sensor.adsb', 'form.named', 'lang.ar']
    for (const [key, text] of Object.entries(AR)) if (!same.includes(key)) expect(hasRightToLeft(text), `${key}: ${text}`).toBe(true)
    for (const [key, text] of Object.entries(EN)) if (key !== 'lang.ar') expect(hasRightToLeft(text), key).toBe(false)
  })
  it('holds no isolates of its own, no digits but Latin ones, no words that promise what nobody can', () => {
    for (const [key, text] of [...Object.entries(EN), ...Object.entries(AR)]) {
      expect(text, key).not.toMatch(/[\u2066-\u2069\u200e\u200f\u0660-\u0669]/)
      expect(text, key).not.toMatch(/\bapproved\b|\bcleared to\b|\bsafe\b|hostile|\btarget/i)
    }
  })
})

describe('every code the node can send', () => {
  const own: Record<string, readonly string[]> = {
    basis: BASES, finding: FINDING_KINDS, thread: THREAD_KINDS, layer: LAYERS, area: AREAS,
  }
  for (const [family, codes] of Object.entries(own)) {
    it(`has a word of the page: ${family}`, () => {
      expect(codes.filter((one) => !(`${family}.${one}` in EN))).toEqual([])
    })
  }
  const nodes: Record<string, readonly string[]> = {
    act: ACTS, asset: ASSET_KINDS, certainty: CERTAINTIES, coverage: COVERAGE_STATES, group: GROUP_STATES, head: HEAD_CLASSES,
    hop: [...HOPS, 'read_back'], recipient: RECIPIENT_STATES, inside: INSIDE, intent: INTENT_STATES, line: LINE_STATES, plan: PLAN_KINDS, precision: PRECISIONS, reply: REPLIES,
    sensor: SENSORS, urgency: URGENCIES, verdict: VERDICTS, waits: ['leg_blocked', 'answer'],
    status: Object.entries(STATUSES).flatMap(([kind, codes]) => codes.map((code) => `${kind}.${code}`)),
  }
  for (const lang of ['en', 'ar']) {
    const room = (name: string): object => JSON.parse(readFileSync(join(import.meta.dirname, `../../src/keepclear/phrases/${lang}/${name}.json`), 'utf8')) as object
    const known = new Set(['acts', 'statuses', 'verdicts', 'findings'].flatMap((name) => Object.keys(room(name)).map((key) => `${name}.${key}`)))
    for (const [family, codes] of Object.entries(nodes)) {
      it(`has a word of the node: ${family}, ${lang}`, () => {
        expect(codes.filter((one) => !known.has(`${NODE_WORDS[family as keyof typeof NODE_WORDS]}.${one}`))).toEqual([])
      })
    }
  }
  it('has words: every form, every choice in it', () => {
    const fields = (list: readonly Field[]): Field[] =>
      list.flatMap((field) => [field, ...fields(field.fields ?? []), ...Object.values(field.variants ?? {}).flatMap(fields)])
    for (const form of FORMS) {
      expect(EN, form.id).toHaveProperty([`do.${form.id}`])
      for (const field of fields(form.fields)) {
        for (const option of field.options ?? Object.keys(field.variants ?? {})) {
          expect(`${field.family}.${option}` in EN || (nodes[field.family ?? ''] ?? []).includes(option), `${field.family}.${option}`).toBe(true)
        }
      }
    }
  })
})

it('has no phrase that nothing uses', () => {
  const used = (key: string): boolean => {
    if (code.includes(`'${key}'`) || code.includes(`"${key}"`)) return true
    // Words of codes and forms are asked for by family: `act.${id}`, word('status', code).
    const family = key.slice(0, key.indexOf('.'))
    return code.includes(`\`${family}.\${`) || code.includes(`word('${family}',`) || code.includes(`family="${family}"`) || code.includes(`family: '${family}'`)
  }
  expect(Object.keys(EN).filter((key) => !used(key))).toEqual([])
})
