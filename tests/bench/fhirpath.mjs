// What fhirpath.js does with the cases that fhirpath_bench wrote: node fhirpath.mjs CASES.json PACKAGE_FOLDER
// prints a line per case: name, evaluations per second of CPU, how many items came.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , file, folder] = process.argv;
const require = createRequire(folder + '/package.json');
const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');
const kWarm = 0.3, kSeconds = 0.7;  // of CPU, per case

function cpuSeconds() {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
}

for (const { name, expression, resource } of JSON.parse(readFileSync(file, 'utf8'))) {
  let count = 'error';
  let perSecond = 0;
  try {
    const compiled = fhirpath.compile(expression, r4);
    const run = (seconds) => {
      const start = cpuSeconds();
      let items = 0, used = 0;
      do {
        for (let i = 0; i < 8; ++i) count = compiled(resource, {}).length;
        items += 8;
        used = cpuSeconds() - start;
      } while (used < seconds);
      return items / used;
    };
    run(kWarm);
    perSecond = run(kSeconds);
  } catch (failure) {
    count = 'error: ' + String(failure.message || failure).split('\n')[0];
  }
  console.log([name, perSecond.toFixed(1), count].join('\t'));
}
