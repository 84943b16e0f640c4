/** Tells a receiver of the operator's choice what needs attention. Off without settings. */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Delivery from "./Delivery.ts"
import * as FindingWatch from "./FindingWatch.ts"
import * as HealthWatch from "./HealthWatch.ts"
import type { WebhookSettings } from "./WebhookSettings.ts"

export interface WebhookOptions extends WebhookSettings, Pick<Delivery.DeliveryOptions, "firstDelay"> {}

/** Watches and tells for as long as it lives. */
export const layer = (options: WebhookOptions) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const instance = yield* SecureRandom.SecureRandom.use((random) => random.uuidV4())
    const delivery = yield* Delivery.make(options)
    if (options.events.has("health")) yield* HealthWatch.watch(delivery, instance)
    if (options.events.has("error")) yield* FindingWatch.watch(delivery, instance, options.checkInterval)
  })).pipe(Layer.provide(SecureRandom.layerWebCrypto))
