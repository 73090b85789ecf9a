/** Finds out whether anything shown was made up, so that the page can say so once, on top. */

import { isOver } from './threads.ts'
import { isFact, type Basis, type Picture, type ThreadView } from './model.ts'

export interface MadeUp {
  synthetic: boolean
  assumed: boolean
  exercise: boolean
}

export function madeUp(picture: Picture | null, threads: readonly ThreadView[]): MadeUp {
  const out: MadeUp = { synthetic: false, assumed: false, exercise: threads.some((thread) => thread.exercise && !isOver(thread)) }
  const see = (basis: Basis | null | undefined): void => {
    if (isFact(basis)) return
    if (basis?.kind === 'synthetic') out.synthetic = true
    else out.assumed = true
  }
  for (const thread of threads) {
    see(thread.basis)
    see(thread.plan?.basis)
    if (thread.findings.some((finding) => finding.synthetic)) out.synthetic = true
  }
  if (!picture) return out
  for (const asset of picture.assets) see(asset.basis)
  for (const group of picture.groups) {
    see(group.basis)
    for (const head of group.headcounts) see(head.basis)
  }
  for (const [, plan] of picture.plans) see(plan.basis)
  for (const [, , , basis] of picture.clearings) see(basis)
  for (const { span } of picture.coverage) see(span.basis)
  for (const { boundary } of picture.boundaries) see(boundary.basis)
  if (picture.findings.some((finding) => finding.synthetic)) out.synthetic = true
  return out
}
