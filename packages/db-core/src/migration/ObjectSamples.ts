/**
 * Installs the store of object samples, which `catalog/ObjectSamples.ts` fills and `catalog/SampledRates.ts` reads.
 */
import { installed } from "./InternalTables.ts"
import { objectSamplesSql } from "./objectSamplesSql.ts"

export const install = installed("object_sample", objectSamplesSql)
