/** Every fault, by group. */
import { capacityFaults } from "./capacity.ts"
import { commitFaults } from "./commit.ts"
import { concurrencyFaults } from "./concurrency.ts"
import type { Fault } from "./Fault.ts"
import { loginFaults } from "./login.ts"
import { networkFaults } from "./network.ts"
import { processFaults } from "./process.ts"
import { schemaFaults } from "./schema.ts"

export const faults: ReadonlyArray<Fault> = [
  ...commitFaults,
  ...processFaults,
  ...networkFaults,
  ...loginFaults,
  ...capacityFaults,
  ...concurrencyFaults,
  ...schemaFaults
]
