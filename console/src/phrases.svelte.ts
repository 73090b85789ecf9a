/**
 * Every sentence a person reads, in the language chosen. The console's own phrases come with the page, so that it can
 * speak before (and without) the node; words for codes and findings are the node's and asked from it, so that every
 * surface says them alike.
 */

import ar from '../../src/keepclear/phrases/ar/console.json'
import en from '../../src/keepclear/phrases/en/console.json'
import { plain, type Values } from './text.ts'

export type Lang = 'en' | 'ar'
export type Key = keyof typeof en
export const LANGS: readonly Lang[] = ['en', 'ar']
export const DIRECTION: Record<Lang, 'ltr' | 'rtl'> = { en: 'ltr', ar: 'rtl' }

const OWN: Record<Lang, Record<string, string>> = { en, ar }
const STORED = 'keepclear.lang'

function remembered(): Lang {
  const stored = globalThis.localStorage?.getItem(STORED)
  if (stored === 'en' || stored === 'ar') return stored
  return globalThis.navigator?.language?.startsWith('ar') ? 'ar' : 'en'
}

class Tongue {
  lang: Lang = $state(remembered())
  /** Phrases of the node's other rooms: `errors.malformed`, `findings.encounter`, … */
  others: Record<Lang, Record<string, string>> = $state.raw({ en: {}, ar: {} })

  choose(lang: Lang): void {
    this.lang = lang
    globalThis.localStorage?.setItem(STORED, lang)
  }

  get direction(): 'ltr' | 'rtl' {
    return DIRECTION[this.lang]
  }
}

export const tongue = new Tongue()

/** The sentence of one of the console's own keys, with its places for values still open. */
export function sentence(key: Key, lang: Lang = tongue.lang): string {
  return OWN[lang][key] ?? key
}

/** A sentence as plain text, for attributes and options. */
export function say(key: Key, values?: Values): string {
  return plain(sentence(key), values)
}

/** Where the node keeps its words for each family of codes; families not named here are the page's own. */
export const NODE_WORDS = {
  act: 'acts', status: 'statuses', recipient: 'statuses.recipient', hop: 'statuses.hop', reply: 'statuses.reply', inside: 'statuses.inside',
  intent: 'statuses.utm_intent',
  urgency: 'statuses.urgency', line: 'statuses.line', group: 'statuses.group', plan: 'statuses.plan_kind', asset: 'statuses.asset',
  head: 'statuses.head_class', sensor: 'statuses.sensor', coverage: 'statuses.coverage', certainty: 'statuses.certainty',
  precision: 'statuses.precision', effect: 'statuses.without_effect', waits: 'statuses.waits_for', verdict: 'verdicts', reason: 'verdicts.reason',
  mark: 'verdicts.mark',
} as const

/**
 * The word for a code (`word('line', 'up')`; a thread's status is `word('status', 'notice.received')`). A code this page
 * does not know is shown as "other (code)", so that a newer node never shows a blank.
 */
export function word(family: string, code: string | null | undefined): string {
  if (!code) return say('unknown')
  const room = NODE_WORDS[family as keyof typeof NODE_WORDS]
  return OWN[tongue.lang][`${family}.${code}`] ?? fromNode(`${room}.${code}`) ?? plain(sentence('other_code'), { code })
}

/** For whom or what a group waits: words somebody said, or one of the node's two codes. */
export function waitsText(words: string): string {
  return fromNode(`${NODE_WORDS.waits}.${words}`) ?? words
}

/** A sentence of another room, or null where the node has none. */
export function fromNode(key: string): string | null {
  return tongue.others[tongue.lang][key] ?? null
}
