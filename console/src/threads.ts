/** The order of the list of threads, and who was told what in each. */

import type { RecipientView, ThreadView } from './model.ts'

const OVER = new Set(['cancelled', 'ended', 'given_back', 'expired', 'closed', 'declined', 'refused', 'filed', 'consented', 'accepted', 'resumed'])

export function isOver(thread: ThreadView): boolean {
  return OVER.has(thread.status)
}

/**
 * What nobody may overlook comes first: calls not taken, then what is overdue, then what waits, then the newest. Of what is
 * over, that comes first in which something is still missing: airspace not given back, a crew that never heard of it.
 */
export function rank(thread: ThreadView): number {
  if (thread.exercise) return 6
  if (thread.kind === 'danger_call' && thread.status === 'calling') return 0
  if (isOver(thread)) return lacksSomething(thread) ? 4 : 5
  if (thread.overdue) return 1
  if (thread.waiting_for.length > 0) return 2
  return 3
}

export function inOrder(threads: readonly ThreadView[]): ThreadView[] {
  return [...threads].sort((a, b) => rank(a) - rank(b) || Date.parse(b.status_since) - Date.parse(a.status_since) || (a.id < b.id ? -1 : 1))
}

function lacksSomething(thread: ThreadView): boolean {
  return stillMissing(thread).length > 0 || thread.findings.some((finding) => finding.kind === 'not_given_back' && !finding.until)
}

/** How one step of the way stands: its time, or what is wrong with it. `since`: from when it is missing. */
export interface Step {
  hop: string
  state: 'done' | 'wrong' | 'missing' | 'open'
  at: string | null
  /** The echelon it was passed to. */
  to: string | null
  since: string | null
}
export interface Crew {
  crew: string
  steps: Step[]
}

export const CREW_HOPS = ['crew_briefed', 'crew_acknowledged']

/** Steps of a matter up to the crews, in order; a read-back belongs to notices only, an answer to what asks for one. */
export function hopsOf(thread: ThreadView): string[] {
  if (thread.kind === 'notice') return ['delivered', 'opened', 'read_back', 'acknowledged', 'passed']
  if (thread.kind === 'clear_request') return ['delivered', 'opened', 'answer', 'acknowledged', 'passed']
  if (thread.kind === 'proposal') return ['delivered', 'opened', 'answer']
  return ['delivered', 'opened', 'acknowledged']
}

export function goesToCrews(thread: ThreadView): boolean {
  return thread.kind === 'notice' || thread.kind === 'clear_request'
}

/** One step of one recipient, of the version in force. What is missing stays missing when the matter's time is over. */
export function stepOf(thread: ThreadView, one: RecipientView, hop: string): Step {
  const step = (state: Step['state'], at: string | null = null, since: string | null = null, to: string | null = null): Step => ({ hop, state, at, to, since })
  if (hop === 'answer') {
    if (one.answered_at) return step('done', one.answered_at)
    return thread.status === 'cancelled' ? step('open') : step('missing', null, thread.waiting_since ?? thread.opened_at)
  }
  const missing = one.missing_hop === hop ? step('missing', null, one.missing_since) : step('open')
  if (hop === 'read_back') {
    const read = thread.acts.findLast((act) => act.author === one.party && act.said.act.act === 'read_back' && (thread.version === thread.id || act.said.act['re'] === thread.version))
    if (!read) return one.received ? step('done') : missing
    return step(one.differences.length > 0 ? 'wrong' : 'done', read.recorded_at)
  }
  const said = one.hops.findLast((view) => view.hop === hop && view.version === thread.version)
  return said ? step('done', said.recorded_at, null, said.echelon) : missing
}

/** Every crew that was named, each with its own steps: one crew's word says nothing of another. */
export function crewsOf(thread: ThreadView, one: RecipientView): Crew[] {
  const said = one.hops.filter((view) => view.version === thread.version && CREW_HOPS.includes(view.hop))
  const crews = [...new Set(said.map((view) => view.crew ?? ''))]
  return crews.map((crew) => {
    const [briefed, acknowledged] = CREW_HOPS.map((hop) => said.find((view) => view.crew === crew && view.hop === hop)?.recorded_at ?? null)
    const step = (hop: string, at: string | null | undefined, since: string | null): Step => ({ hop, state: at ? 'done' : since ? 'missing' : 'open', at: at ?? null, to: null, since: at ? null : since })
    return {
      crew,
      steps: [
        step('crew_briefed', briefed, one.missing_hop === 'crew_briefed' ? one.missing_since : null),
        step('crew_acknowledged', acknowledged, briefed ?? null),
      ],
    }
  })
}

/** The steps the node has noticed to be missing for too long, and which still are: for the list, where there is room for one. */
export function stillMissing(thread: ThreadView): string[] {
  if (!thread.findings.some((finding) => finding.kind === 'hop_missing')) return []
  return [...new Set(thread.recipients.flatMap((one) => one.missing_hop ?? []))]
}
