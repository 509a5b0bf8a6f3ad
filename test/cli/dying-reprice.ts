import { priceAgain } from '../../src/meter/price-again.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { openMongoCosts } from '../../src/stores/mongodb/index.ts'
import { reprice } from '../../src/stores/reprice.ts'
import { openRepricing } from '../../src/stores/sqlite/reprice.ts'

/**
 * Prices again and is killed by itself: in the middle of a batch (`calls`: how many it prices before), or between the two
 * stores (`batches`: how many it writes into the embedded one before).
 */
export interface Dying {
  path: string
  pricesFile: string
  mongo: { uri: string; database: string } | null
  calls: number
  batches: number
}

const { path, pricesFile, mongo, calls, batches } = JSON.parse(process.argv[2]!) as Dying
const die = () => process.kill(process.pid, 'SIGKILL')
const prices = loadPrices([pricesFile])
const local = openRepricing(path)
let [priced, written] = [0, 0]

await reprice({
  local: {
    ...local,
    apply(changes, redo) {
      const gone = local.apply(changes, redo)
      if (++written === batches) die()
      return gone
    },
  },
  mongo: mongo && openMongoCosts({ ...mongo, pageCalls: 10 }),
  filter: {},
  price(call) {
    if (++priced === calls) die()
    return priceAgain(call, prices)
  },
  progress() {},
})
