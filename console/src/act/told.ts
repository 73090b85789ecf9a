/** What an act says, as short labelled facts and as the words used. Pure: the same act always reads the same. */

import { bandText, distanceText, placeNamesParts, positionText } from '../measure.ts'
import type { Act, Area, Band, Name, PlaceNames, Plan, ResidualItem, TimeSaid, Volume, Window, Words } from '../model.ts'
import { say, word, type Key, type Lang } from '../phrases.svelte.ts'
import { isolate } from '../text.ts'
import { utcText, windowText } from '../time.ts'

export type Fact = [label: string, value: string]

/** Every free text of an act with its language. */
export function actWords(act: Act): Words[] {
  const out: Words[] = []
  for (const name of ['words', 'reason', 'remark', 'why', 'conditions', 'outcome', 'terms']) {
    const value = act[name] as Words | string | undefined
    if (value && typeof value === 'object') out.push(value)
  }
  return out
}

function areaText(area: Area, lang: Lang): string {
  return area.shape === 'circle'
    ? `${isolate(positionText(...area.centre))} · ${isolate(distanceText(area.radius_m, lang))}`
    : area.vertices.slice(0, 3).map((vertex) => positionText(...vertex)).join(' · ') + (area.vertices.length > 3 ? ' …' : '')
}

export function saidTimeText(said: TimeSaid): string {
  return said.value ? `${isolate(said.text)} (${isolate(utcText(said.value))})` : said.text
}

/** The facts of an act that fit on one line. */
export function actFacts(act: Act, lang: Lang): Fact[] {
  const out: Fact[] = []
  const add = (key: Key, value: unknown): void => {
    if (value !== null && value !== undefined && value !== '') out.push([say(key), String(value)])
  }
  const plan = act['plan'] as Plan | string | undefined
  if (plan && typeof plan === 'object') {
    add('field.name', plan.name[lang])
    add('field.window', windowText(plan.window))
    add('field.band', bandText(plan.band, lang))
    add('field.grid', plan.names.map((one) => one.grid).join(' → '))
  }
  const volume = (act['volume'] ?? act['counter']) as Volume | undefined
  if (volume) {
    add('form.shape', areaText(volume.area, lang))
    add('field.band', bandText(volume.band, lang))
    add('field.window', windowText(volume.window))
  }
  add('field.grid', act['grid'])
  if (act['window'] && act.act === 'read_back') add('field.window', windowText(act['window'] as Window))
  if (act['band'] && act.act === 'read_back') add('field.band', bandText(act['band'] as Band, lang))
  if (act['names'] && !Array.isArray(act['names'])) {
    add('field.names', say('form.named', placeNamesParts(act['names'] as PlaceNames, lang)))
  }
  add('field.echelon', act['echelon'])
  add('field.crew', act['crew'])
  if (act['reply']) add('field.reply', word('reply', String(act['reply'])))
  if (act['answer_by']) add('field.answer_by', utcText(String(act['answer_by'])))
  if (act['reported_clear_at']) add('field.reported_clear_at', utcText(String(act['reported_clear_at'])))
  for (const item of (act['residual'] ?? []) as ResidualItem[]) out.push([item.asset, word('inside', item.status)])
  add('field.topic', act['topic'])
  add('field.group', typeof act['group'] === 'string' ? act['group'] : undefined)
  add('field.holder', act['holder'])
  add('field.waits_for', act['waits_for'])
  if (act['since']) add('field.since', utcText(String(act['since'])))
  if (typeof act['consents'] === 'boolean') add('field.consents', say(act['consents'] ? 'yes' : 'no'))
  if (typeof act['accepts'] === 'boolean') add('field.accepts', say(act['accepts'] ? 'yes' : 'no'))
  if (act.act === 'statement') {
    add('field.title', act['title'])
    add('field.publisher', (act['publisher'] as Name | undefined)?.[lang])
    add('field.published', act['published'] ? saidTimeText(act['published'] as TimeSaid) : undefined)
  }
  if (act.act === 'positions') {
    const tracks = act['tracks'] as { asset: string; fixes: unknown[] }[]
    out.push([say('field.asset'), tracks.slice(0, 4).map((track) => `${track.asset} (${track.fixes.length})`).join(' · ') + (tracks.length > 4 ? ' …' : '')])
  }
  if (act.act === 'declare_group') add('field.name', (act['group'] as { name: Name }).name[lang])
  if (act.act === 'declare_boundary') add('field.name', (act['boundary'] as { name: Name }).name[lang])
  if (act.act === 'open_line') add('field.name', (act['line'] as { name: Name }).name[lang])
  if (act.act === 'enrol') add('node', (act['node'] as { id: string }).id)
  if (act.act === 'coverage') {
    for (const span of (act['spans'] as { sensor: string; state: string; window: Window }[]).slice(0, 3)) {
      out.push([word('sensor', span.sensor), `${word('coverage', span.state)} · ${isolate(windowText(span.window))}`])
    }
  }
  return out
}
