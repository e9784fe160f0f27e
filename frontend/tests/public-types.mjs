// Lists the types that occur in the public signatures of a built package but are exported by none of its entries.
// Usage: node public-types.mjs <folder of the package> <entry.d.ts>...   It prints JSON: how many declarations are exported, and which are missing.

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
  if (statement.type === "ImportDeclaration") readImport(module, statement);
  else if (statement.type === "ExportNamedDeclaration") readExport(module, statement);
  else declare(module, statement, false);
}

function readImport(module, { source, specifiers }) {
  const from = resolved(module.path, source.value);
  for (const { local, imported } of specifiers) {
    module.imported.set(local.name, { from, name: imported?.name ?? "default" });
  }
}

function readExport(module, { declaration, source, specifiers }) {
  if (declaration) declare(module, declaration, true);
  const from = source ? { from: resolved(module.path, source.value) } : {};
  for (const { local, exported } of specifiers)
    module.exported.set(exported.name, { ...from, name: local.name });
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

/** For each kind of node that refers to a type: the property that holds the name. */
const NAME_OF = {
  TSTypeReference: "typeName",
  TSTypeQuery: "exprName",
  TSInterfaceHeritage: "expression",
  TSClassImplements: "expression",
  ClassDeclaration: "superClass",
};

/** Names of types in a declaration, private members left out: TypeScript writes them without their types. */
function namesIn(node, found = new Set()) {
  if (!node || typeof node !== "object" || node.accessibility === "private") return found;
  const name = node[NAME_OF[node.type]];
  if (name?.type === "Identifier") found.add(name.name);
  for (const [key, value] of Object.entries(node)) if (key !== "id") namesIn(value, found);
  return found;
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
process.stdout.write(JSON.stringify({ exported: exported.size, missing: [...missing].sort() }));
