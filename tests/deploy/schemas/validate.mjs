// Validates Kubernetes manifests: node validate.mjs FILE.yaml... Prints a line for each fault.
//
// Twice, because each sees what the other does not: the JSON schemas of the Kubernetes API (types,
// required members), and TypeScript's types made from them (members that do not exist, which a
// cluster would drop without a word).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import ts from "typescript";

function moduleOf({ apiVersion, kind }) {
  const root = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  return `${root}/${apiVersion}/${kind}`;
}

async function schemaFaults({ object }) {
  const { [object.kind]: Model } = await import(moduleOf(object));
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// Each object as a typed constant in a file of its own; all of them in one program.
function typeFaults(entries) {
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), "node_modules/.types-"));
  const files = entries.map(({ object }, i) => {
    const file = join(folder, `manifest${i}.ts`);
    writeFileSync(file, `import type { I${object.kind} } from "${moduleOf(object)}";\n`
      + `export const manifest: I${object.kind} = ${JSON.stringify(object, null, 2)};\n`);
    return file;
  });
  const program = ts.createProgram(files, {
    noEmit: true, strict: true, skipLibCheck: true, types: [],
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  const faults = entries.map(() => []);
  for (const fault of ts.getPreEmitDiagnostics(program))
    faults[files.indexOf(fault.file?.fileName)].push(ts.flattenDiagnosticMessageText(fault.messageText, "; "));
  rmSync(folder, { recursive: true });
  return faults;
}

const entries = process.argv.slice(2).flatMap((file) =>
  parseAllDocuments(readFileSync(file, "utf8")).map((document) => ({
    file, errors: document.errors.map(String), object: document.toJS(),
  })));
const types = typeFaults(entries);
let bad = 0;
for (const [i, entry] of entries.entries()) {
  for (const fault of [...entry.errors, ...await schemaFaults(entry), ...types[i]]) {
    console.log(`${entry.file}: ${entry.object.kind} ${entry.object.metadata?.name}: ${fault}`);
    bad++;
  }
}
console.log(`${entries.length} objects, ${bad} faults`);
process.exit(bad > 0 || entries.length === 0 ? 1 : 0);
