/** Every case, in the order of the table. */
import { aliasing } from "./aliasing.ts"
import { cacheFailing } from "./cacheFailing.ts"
import type { Case } from "./Case.ts"
import { changeLog } from "./changeLog.ts"
import { consequences } from "./consequences.ts"
import { definitions } from "./definitions.ts"
import { functions } from "./functions.ts"
import { otherWriters } from "./otherWriters.ts"
import { parameters } from "./parameters.ts"
import { partitions } from "./partitions.ts"
import { raceRate } from "./raceRate.ts"
import { races } from "./races.ts"
import { rawSql } from "./rawSql.ts"
import { results } from "./results.ts"
import { rowSecurity } from "./rowSecurity.ts"
import { settings } from "./settings.ts"
import { stampede } from "./stampede.ts"
import { tableSets } from "./tableSets.ts"
import { transactions } from "./transactions.ts"
import { volatile } from "./volatile.ts"

const all = [
  races,
  transactions,
  otherWriters,
  rawSql,
  tableSets,
  partitions,
  consequences,
  stampede,
  cacheFailing,
  aliasing,
  rowSecurity,
  parameters,
  raceRate,
  volatile,
  functions,
  definitions,
  settings,
  changeLog,
  results
].flat()

/** The 33 of the comparison. */
export const isBasic = ({ id }: Pick<Case, "id">): boolean => !id.startsWith("l")

export const cases: ReadonlyArray<Case> = [...all.filter(isBasic), ...all.filter((one) => !isBasic(one))]
