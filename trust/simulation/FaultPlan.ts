/** Which fault is due: counts what happens, and remembers what took effect. */
import type { Fault, FaultKind, Moment, Scenario } from "./Scenario.ts"
import type { World } from "./World.ts"

export class FaultPlan {
  /** No fault begins any more. */
  isHealed = false
  /** Some statement was told that it was cancelled, and nobody had asked for that. */
  isCancelForged = false
  readonly fired: Partial<Record<FaultKind, number>> = {}
  private readonly counts = new Map<Moment, number>()
  private readonly left: Set<Fault>
  private readonly world: World

  constructor(world: World, scenario: Scenario) {
    this.world = world
    this.left = new Set(scenario.faults)
  }

  /** Counts one of `moment`, and one more statement if it is one; gives the fault that waited for it. */
  take(moment: Moment | "other"): Fault | undefined {
    const counted = new Set<Moment>()
    if (moment !== "other") counted.add(moment)
    if (moment !== "connect" && moment !== "cancel") counted.add("any")
    for (const one of counted) this.counts.set(one, (this.counts.get(one) ?? 0) + 1)
    if (this.isHealed) return undefined
    for (const fault of this.left) {
      if (!counted.has(fault.on) || this.counts.get(fault.on) !== fault.nth) continue
      this.left.delete(fault)
      if ("words" in fault && fault.words.text.includes("user request")) this.isCancelForged = true
      this.fired[fault.kind] = (this.fired[fault.kind] ?? 0) + 1
      this.world.note(`fault ${fault.kind} on ${fault.on} ${fault.nth}`)
      return fault
    }
    return undefined
  }
}
