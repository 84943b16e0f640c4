/**
 * The lock of each form of ALTER TABLE; of several in one statement the strongest holds, from its beginning.
 *
 * Source: PostgreSQL documentation, "ALTER TABLE", and `AlterTableGetLockLevel` in its tablecmds.c; compared with
 * `pg_locks` on 15 and 18 by this package's tests.
 */
import type { AlterTableCmd, AlterTableStmt, Constraint, Node } from "libpg-query"
import { type Lock, lock, referenced } from "./Lock.ts"
import { type LockMode, stronger } from "./LockMode.ts"
import { type RelationName, relationOf } from "./RelationName.ts"

/** Forms that take less than ACCESS EXCLUSIVE. */
const weaker: Readonly<Record<string, LockMode>> = {
  AT_SetStatistics: "SHARE UPDATE EXCLUSIVE",
  AT_SetOptions: "SHARE UPDATE EXCLUSIVE",
  AT_ResetOptions: "SHARE UPDATE EXCLUSIVE",
  AT_ClusterOn: "SHARE UPDATE EXCLUSIVE",
  AT_DropCluster: "SHARE UPDATE EXCLUSIVE",
  AT_ValidateConstraint: "SHARE UPDATE EXCLUSIVE",
  AT_AttachPartition: "SHARE UPDATE EXCLUSIVE",
  AT_DetachPartitionFinalize: "SHARE UPDATE EXCLUSIVE",
  AT_EnableTrig: "SHARE ROW EXCLUSIVE",
  AT_EnableAlwaysTrig: "SHARE ROW EXCLUSIVE",
  AT_EnableReplicaTrig: "SHARE ROW EXCLUSIVE",
  AT_EnableTrigAll: "SHARE ROW EXCLUSIVE",
  AT_EnableTrigUser: "SHARE ROW EXCLUSIVE",
  AT_DisableTrig: "SHARE ROW EXCLUSIVE",
  AT_DisableTrigAll: "SHARE ROW EXCLUSIVE",
  AT_DisableTrigUser: "SHARE ROW EXCLUSIVE"
}

/** Storage parameters that are read without a lock; `autovacuum_…` all are. Source: reloptions.c. */
const weakOptions = new Set([
  "fillfactor",
  "parallel_workers",
  "vacuum_index_cleanup",
  "vacuum_truncate",
  "toast_tuple_target",
  "n_distinct"
])

const optionsMode = (def: Node | undefined): LockMode => {
  const options = def !== undefined && "List" in def ? def.List.items ?? [] : []
  return options.every((option) =>
      "DefElem" in option &&
      (weakOptions.has(option.DefElem.defname ?? "") || option.DefElem.defname?.startsWith("autovacuum_") === true ||
        option.DefElem.defname?.startsWith("log_autovacuum") === true)
    )
    ? "SHARE UPDATE EXCLUSIVE"
    : "ACCESS EXCLUSIVE"
}

/** The constraint that a form adds. */
export const constraintOf = ({ def }: AlterTableCmd): Constraint | undefined =>
  def !== undefined && "Constraint" in def ? def.Constraint : undefined

/** Constraints written with a column. */
export const columnConstraints = (node: Node | undefined): ReadonlyArray<Constraint> =>
  node !== undefined && "ColumnDef" in node
    ? (node.ColumnDef.constraints ?? []).flatMap((each) => "Constraint" in each ? [each.Constraint] : [])
    : []

/** Forms of one statement. */
export const commandsOf = ({ cmds = [] }: AlterTableStmt): ReadonlyArray<AlterTableCmd> =>
  cmds.flatMap((cmd) => "AlterTableCmd" in cmd ? [cmd.AlterTableCmd] : [])

const partitionOf = ({ def }: AlterTableCmd) =>
  def !== undefined && "PartitionCmd" in def ? def.PartitionCmd : undefined

export const detachesConcurrently = (cmd: AlterTableCmd): boolean =>
  cmd.subtype === "AT_DetachPartition" && partitionOf(cmd)?.concurrent === true

const modeOf = (cmd: AlterTableCmd): LockMode => {
  if (cmd.subtype === "AT_SetRelOptions" || cmd.subtype === "AT_ResetRelOptions") return optionsMode(cmd.def)
  if (cmd.subtype === "AT_AddConstraint" && constraintOf(cmd)?.contype === "CONSTR_FOREIGN") {
    return "SHARE ROW EXCLUSIVE"
  }
  if (detachesConcurrently(cmd)) return "SHARE UPDATE EXCLUSIVE"
  return weaker[cmd.subtype ?? ""] ?? "ACCESS EXCLUSIVE"
}

/** Tables beside the altered one. */
const others = (cmd: AlterTableCmd, table: ReadonlyArray<RelationName>): ReadonlyArray<Lock> => {
  switch (cmd.subtype) {
    case "AT_AddColumn":
      return columnConstraints(cmd.def).flatMap(({ pktable }) => lock("SHARE ROW EXCLUSIVE", relationOf(pktable)))
    case "AT_AddConstraint":
      return lock("SHARE ROW EXCLUSIVE", relationOf(constraintOf(cmd)?.pktable))
    case "AT_ValidateConstraint":
      return referenced("ROW SHARE", table, { constraint: cmd.name ?? "" })
    case "AT_DropConstraint":
      return referenced("ACCESS EXCLUSIVE", table, { constraint: cmd.name ?? "" })
    case "AT_DropColumn":
      return referenced("ACCESS EXCLUSIVE", table, { column: cmd.name ?? "" })
    case "AT_AttachPartition":
    case "AT_DetachPartition":
    case "AT_DetachPartitionFinalize":
      return lock("ACCESS EXCLUSIVE", relationOf(partitionOf(cmd)?.name))
    case "AT_AddInherit":
      return lock(
        "SHARE UPDATE EXCLUSIVE",
        cmd.def !== undefined && "RangeVar" in cmd.def ? relationOf(cmd.def.RangeVar) : []
      )
    case "AT_DropInherit":
      return lock("ACCESS SHARE", cmd.def !== undefined && "RangeVar" in cmd.def ? relationOf(cmd.def.RangeVar) : [])
    default:
      return []
  }
}

export const alterTableLocks = (statement: AlterTableStmt): ReadonlyArray<Lock> => {
  const commands = commandsOf(statement)
  const table = relationOf(statement.relation)
  const mode = commands.map(modeOf).reduce(stronger, "ACCESS SHARE")
  return [...lock(mode, table), ...commands.flatMap((cmd) => others(cmd, table))]
}
