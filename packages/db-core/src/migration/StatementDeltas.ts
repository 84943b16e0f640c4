/**
 * Installs the store of statement statistics, which `catalog/StatementDeltas.ts` fills and reads.
 */
import { installed } from "./InternalTables.ts"
import { statementDeltasSql } from "./statementDeltasSql.ts"

export const install = installed("statement_text", statementDeltasSql)
