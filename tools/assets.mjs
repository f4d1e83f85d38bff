// Copies the third-party scripts that pages load from node_modules to static/vendor, with their licences.
// `make assets` runs `npm ci --ignore-scripts` first; the results are committed, so that running needs no Node.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const files = [['htmx.org', 'dist/htmx.min.js', 'htmx.min.js']];

mkdirSync('static/vendor', { recursive: true });
const versions = {};
for (const [name, from, to] of files) {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  const source = readFileSync(`node_modules/${name}/${from}`, 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n');
  writeFileSync(`static/vendor/${to}`, source);
  copyFileSync(`node_modules/${name}/LICENSE`, `static/vendor/${to}.LICENSE`);
  versions[to] = { name, version, license };
}
writeFileSync('static/vendor/versions.json', `${JSON.stringify(versions, null, 2)}\n`);
