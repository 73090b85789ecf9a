/** The acts on record, newest page first, in record order; the live stream adds to the end. */

import { api } from './api.ts'
import { desk } from './desk.svelte.ts'
import type { ActView } from './model.ts'

const PAGE = 300

class Timeline {
  acts: ActView[] = $state.raw([])
  /** True while there is more before the first act held. */
  earlier = $state(false)
  busy = $state(false)
  #key = ''

  /** Holds the last page up to `at` (or now) as `party` sees it. */
  async open(party: string, at: string | null, size: number): Promise<void> {
    const key = `${party}|${at ?? ''}`
    const newest = this.acts.at(-1)?.index ?? -1
    if (key === this.#key && at === null && this.acts.length > 0) {
      // Still the same view: only ask for what came since.
      const more = await api.timeline({ party: party || null, after: newest, limit: PAGE }).catch(() => [])
      if (more.length > 0) this.acts = merge(this.acts, more)
      return
    }
    this.#key = key
    this.busy = true
    try {
      const after = Math.max(-1, size - PAGE - 1)
      const page = await api.timeline({ party: party || null, ...(after >= 0 ? { after } : {}), limit: PAGE + 1 })
      if (key !== this.#key) return
      this.acts = at === null ? page : page.filter((act) => act.index < size)
      this.earlier = after > -1
    } catch {
      if (key === this.#key) this.acts = []
    } finally {
      this.busy = false
    }
  }

  async more(party: string): Promise<void> {
    const first = this.acts[0]?.index ?? 0
    const after = Math.max(-1, first - PAGE - 1)
    this.busy = true
    try {
      const acts = await api.timeline({ party: party || null, ...(after >= 0 ? { after } : {}), limit: PAGE })
      this.acts = merge(acts.filter((act) => act.index < first), this.acts)
      this.earlier = after > -1
    } finally {
      this.busy = false
    }
  }
}

function merge(before: readonly ActView[], after: readonly ActView[]): ActView[] {
  const known = new Set(before.map((act) => act.index))
  return [...before, ...after.filter((act) => !known.has(act.index))]
}

export const timeline = new Timeline()

/** The record's size at the instant looked at. */
export function sizeShown(): number {
  return desk.replaying ? (desk.picture?.size ?? 0) : (desk.status?.size ?? 0)
}
