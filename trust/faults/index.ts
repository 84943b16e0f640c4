/** Every fault, by group. */
import { capacityFaults } from "./capacity.ts"
import { certificateFaults } from "./certificates.ts"
import { commitFaults } from "./commit.ts"
import { concurrencyFaults } from "./concurrency.ts"
import type { Fault } from "./Fault.ts"
import { interruptFaults } from "./interrupts.ts"
import { limitFaults } from "./limits.ts"
import { loginFaults } from "./login.ts"
import { networkFaults } from "./network.ts"
import { processFaults } from "./process.ts"
import { schemaFaults } from "./schema.ts"
import { topologyFaults } from "./topology.ts"

export const faults: ReadonlyArray<Fault> = [
  ...commitFaults,
  ...processFaults,
  ...networkFaults,
  ...loginFaults,
  ...certificateFaults,
  ...capacityFaults,
  ...limitFaults,
  ...concurrencyFaults,
  ...interruptFaults,
  ...schemaFaults,
  ...topologyFaults
]
