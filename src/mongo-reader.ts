import { parentPort, workerData } from 'node:worker_threads'
import { openMongoStore } from './stores/mongodb/index.ts'
import { answerQuestions } from './stores/sqlite/reader-thread.ts'

/** Entry of the thread that puts questions to MongoDB: answers are decoded away from the data plane. */
if (parentPort === null) throw new Error('src/mongo-reader.ts is the entry of a worker thread')
answerQuestions(parentPort, () => openMongoStore({ ...workerData, questionMs: 4_000 }))
