// Runs Python code on MicroPython's WebAssembly build: run.mjs MODULE HEAP_BYTES CODE FILE ROOT...
// MODULE is its micropython.mjs; ROOT folders of .py and .mpy files become its sys.path, FILE its argument.
// CODE is run in pieces, divided by lines "# stage": garbage is collected between them and only there.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const [module, heapBytes, code, file, ...roots] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(module));
const board = await loadMicroPython({
    heapsize: Number(heapBytes),
    stdout: (line) => process.stdout.write(line + "\n"),
});

function copy(folder, place) {
    board.FS.mkdirTree(place);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) {
            copy(join(folder, entry.name), `${place}/${entry.name}`);
        } else if (/\.m?py$/.test(entry.name)) {
            board.FS.writeFile(`${place}/${entry.name}`, readFileSync(join(folder, entry.name)));
        }
    }
}

roots.forEach((root, index) => copy(root, `/root${index}`));
const test = `/${basename(file)}`;
board.FS.writeFile(test, readFileSync(file));
const path = roots.map((_, index) => `/root${index}`);
board.runPython(`import sys
sys.path[:] = ${JSON.stringify(path)}
sys.argv[:] = ["", ${JSON.stringify(test)}]`);
for (const stage of code.split("\n# stage\n")) {
    board.runPython(stage);
}
