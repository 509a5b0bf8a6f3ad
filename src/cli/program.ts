/** How this program is called here, for hints: a checkout runs its sources through npm. */
export const program = import.meta.filename.endsWith('.ts') ? 'npm run -s sightglass --' : 'sightglass'
