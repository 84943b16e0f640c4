/** Checks of sessions, vacuum, limits and settings, in the order in which they are shown. */
import { blockedSessionCheck } from "./blockingForest.ts"
import type { AnyCheck } from "./Check.ts"
import { connectionLimitCheck } from "./connections.ts"
import { longTransactionCheck } from "./longTransactions.ts"
import { inactiveSlotCheck, replicationLagCheck } from "./replication.ts"
import { sequenceExhaustionCheck } from "./sequenceForecast.ts"
import { extensionOutdatedCheck } from "./serverOverview.ts"
import { settingCheck } from "./settings.ts"
import { transactionIdWraparoundCheck } from "./transactionIdHeadroom.ts"
import { autovacuumDisabledCheck, vacuumOverdueCheck } from "./vacuumOverdue.ts"
import { xminHorizonCheck } from "./xminHorizon.ts"

export const activityChecks: ReadonlyArray<AnyCheck> = [
  blockedSessionCheck,
  longTransactionCheck,
  connectionLimitCheck,
  sequenceExhaustionCheck,
  transactionIdWraparoundCheck,
  xminHorizonCheck,
  vacuumOverdueCheck,
  autovacuumDisabledCheck,
  replicationLagCheck,
  inactiveSlotCheck,
  settingCheck,
  extensionOutdatedCheck
]
