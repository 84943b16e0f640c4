/** What of a plan somebody would be sorry for: asked before it is done. */
import type { MaintenanceRequest } from "@ems/db-core/maintenance/MaintenanceRequest"
import type { MaintenancePlan } from "@ems/schema/contract/Maintenance"

type Step = MaintenancePlan["steps"][number]

const namesOf = (steps: ReadonlyArray<Step>): string => {
  const names = steps.map(({ object, schema }) => `${schema}.${object}`)
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ")
}

/** The question; `undefined` when there is nothing to ask. What an interrupted build left is nobody's index. */
export const questionOf = ({ action, rebuildDrifted }: MaintenanceRequest, { indexes, steps }: MaintenancePlan) => {
  const isDrifted = ({ object, schema }: Step) =>
    indexes.some((index) => index.state === "drifted" && index.schema === schema && index.name === object)
  const dropped = action === "dropIndex" ? steps : []
  const exclusive = steps.filter(({ lock }) => lock === "AccessExclusive")
  const rebuilt = rebuildDrifted === true ? steps.filter(isDrifted) : []
  if (dropped.length > 0) return `Drop ${namesOf(dropped)}? Queries that need it get slow.`
  if (exclusive.length > 0) return `Write ${namesOf(exclusive)} anew? Nobody can read or write meanwhile.`
  if (rebuilt.length > 0) return `Drop ${namesOf(rebuilt)} and build it as defined? Queries do without it meanwhile.`
  return undefined
}
