/** Leaves out of a failing scenario whatever it fails without. */
import type { Operation, Scenario } from "./Scenario.ts"

/** Tries at most; each takes some tens of milliseconds. */
const patience = 800

/** An operation with one of its peculiarities less. */
const plainer = (operation: Operation): ReadonlyArray<Operation> =>
  ["interrupt", "timeout", "doom", "nested"].filter((key) => key in operation).map((key) =>
    // All four are optional wherever they are.
    Object.fromEntries(Object.entries(operation).filter(([name]) => name !== key)) as unknown as Operation
  )

class Shrinking {
  smallest: Scenario
  private tries = 0
  private readonly fails: (scenario: Scenario) => Promise<boolean>

  constructor(scenario: Scenario, fails: (scenario: Scenario) => Promise<boolean>) {
    this.smallest = scenario
    this.fails = fails
  }

  get isPatient(): boolean {
    return this.tries < patience
  }

  /** Takes `candidate` for the smallest if it fails too. */
  private async take(candidate: Scenario): Promise<boolean> {
    if (!this.isPatient) return false
    this.tries++
    if (!(await this.fails(candidate))) return false
    this.smallest = candidate
    return true
  }

  async dropOperations(size: number): Promise<void> {
    for (let at = 0; at < this.smallest.operations.length;) {
      const { operations } = this.smallest
      const fewer = [...operations.slice(0, at), ...operations.slice(at + size)]
      if (!(await this.take({ ...this.smallest, operations: fewer }))) at += size
    }
  }

  async dropFaults(): Promise<void> {
    for (let at = 0; at < this.smallest.faults.length;) {
      const fewer = this.smallest.faults.filter((_, place) => place !== at)
      if (!(await this.take({ ...this.smallest, faults: fewer }))) at++
    }
  }

  /** A fault that comes earlier needs fewer operations before it. */
  async hastenFaults(): Promise<void> {
    for (let at = 0; at < this.smallest.faults.length; at++) {
      const fault = this.smallest.faults[at]!
      for (let nth = 1; nth < fault.nth; nth++) {
        const { faults } = this.smallest
        if (await this.take({ ...this.smallest, faults: faults.with(at, { ...fault, nth }) })) break
      }
    }
  }

  async simplifyOperations(): Promise<void> {
    for (let at = 0; at < this.smallest.operations.length; at++) {
      for (const operation of plainer(this.smallest.operations[at]!)) {
        await this.take({ ...this.smallest, operations: this.smallest.operations.with(at, operation) })
      }
    }
  }
}

const sizeOf = ({ faults, operations }: Scenario): number =>
  JSON.stringify(operations).length + faults.reduce((sum, { nth }) => sum + 100 + nth, 0)

/** The smallest that was found for which `fails` still says yes. */
export const shrink = async (
  scenario: Scenario,
  fails: (scenario: Scenario) => Promise<boolean>
): Promise<Scenario> => {
  const shrinking = new Shrinking(scenario, fails)
  for (let before = Number.POSITIVE_INFINITY; shrinking.isPatient && sizeOf(shrinking.smallest) < before;) {
    before = sizeOf(shrinking.smallest)
    await shrinking.dropFaults()
    for (const size of [16, 8, 4, 2, 1]) await shrinking.dropOperations(size)
    await shrinking.hastenFaults()
    await shrinking.simplifyOperations()
  }
  return shrinking.smallest
}
