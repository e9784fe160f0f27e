// Lists the types that occur in the public signatures of a built package but are exported by none of its entries.
// Usage: node public-types.mjs <folder of the package> <entry.d.ts>...   It prints a JSON list of "name (module)".

import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseAst } from "rolldown/parseAst";

const [root, ...entries] = process.argv.slice(2);
const modules = new Map();

/** The declarations, imports and exports of one module. */
function moduleOf(path) {
  const known = modules.get(path);
  if (known) return known;
  const module = { path, declared: new Map(), imported: new Map(), exported: new Map(), local: new Map() };
  modules.set(path, module);
  for (const statement of parseAst(readFileSync(join(root, path), "utf8"), { lang: "dts" }).body) {
    readStatement(module, statement);
  }
  return module;
}

function readStatement(module, statement) {
  const from = statement.source && resolved(module.path, statement.source.value);
  if (statement.type === "ImportDeclaration") {
    for (const { local, imported } of statement.specifiers) {
      module.imported.set(local.name, { from, name: imported?.name ?? "default" });
    }
  } else if (statement.type === "ExportNamedDeclaration") {
    if (statement.declaration) declare(module, statement.declaration, true);
    for (const { local, exported } of statement.specifiers) {
      const name = local.name ?? local.value;
      module.exported.set(exported.name ?? exported.value, from ? { from, name } : { name });
    }
  } else declare(module, statement, false);
}

function declare(module, declaration, exported) {
  const named = declaration.declarations ?? [declaration];
  for (const one of named) {
    const name = one.id?.name;
    if (!name) continue;
    module.declared.set(name, [...(module.declared.get(name) ?? []), one]);
    if (exported) module.exported.set(name, { name });
  }
}

/** Undefined for a dependency, whose types are not ours. */
function resolved(path, source) {
  if (!source.startsWith(".")) return undefined;
  return normalize(join(dirname(path), source)).replace(/\.(ts|js)$/, ".d.ts");
}

/** Where a name of a module is declared; null for globals, type parameters and dependencies. */
function declarationOf(module, name) {
  if (module.declared.has(name)) return { module, name };
  const imported = module.imported.get(name);
  return imported ? exportOf(imported) : null;
}

function exportOf({ from, name }) {
  if (!from) return null;
  const module = moduleOf(from);
  const exported = module.exported.get(name);
  if (!exported) return null;
  return exported.from ? exportOf(exported) : declarationOf(module, exported.name);
}

/** Names of types in a declaration, private members left out: TypeScript writes them without their types. */
function namesIn(node, found = new Set()) {
  if (Array.isArray(node)) for (const one of node) namesIn(one, found);
  else if (node && typeof node === "object") {
    if (node.accessibility === "private") return found;
    if (node.type === "TSTypeReference") addName(node.typeName, found);
    if (node.type === "TSTypeQuery") addName(node.exprName, found);
    if (node.type === "TSInterfaceHeritage" || node.type === "TSClassImplements") addName(node.expression, found);
    if (node.superClass) addName(node.superClass, found);
    for (const [key, value] of Object.entries(node)) if (key !== "id") namesIn(value, found);
  }
  return found;
}

function addName(name, found) {
  if (name.type === "Identifier") found.add(name.name);
}

const keyOf = ({ module, name }) => `${name} (${module.path})`;
const exported = new Map();
for (const entry of entries) {
  const module = moduleOf(normalize(entry));
  for (const [name, from] of module.exported) {
    const declared = from.from ? exportOf(from) : declarationOf(module, from.name);
    if (!declared) throw new Error(`${entry} exports ${name}, which is declared nowhere.`);
    exported.set(keyOf(declared), declared);
  }
}
const missing = new Set();
/** A constant that is not exported (`typeof`, a base class) is no type of its own: its type is checked in its place. */
const checked = new Set();

function check({ module, name }) {
  for (const declaration of module.declared.get(name)) {
    for (const used of namesIn(declaration)) {
      const target = declarationOf(module, used);
      if (!target || exported.has(keyOf(target)) || checked.has(keyOf(target))) continue;
      const [first] = target.module.declared.get(target.name);
      if (first.type !== "VariableDeclarator") missing.add(keyOf(target));
      else {
        checked.add(keyOf(target));
        check(target);
      }
    }
  }
}

for (const declaration of exported.values()) check(declaration);
console.log(JSON.stringify({ exported: exported.size, missing: [...missing].sort() }));
