// node ros.mjs NODE_MODULES TEMPLATE: holds each resource of a ROS template to the vendor's specification of its type,
// which the packages of ROS CDK carry. The constructs refuse wrong values; a name that they drop is unknown.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, path] = process.argv.slice(2);
const require = createRequire(resolve(modules, "x.js"));
const ros = require("@alicloud/ros-cdk-core");
const PACKAGES = { OSS: require("@alicloud/ros-cdk-oss"), RAM: require("@alicloud/ros-cdk-ram") };
// What the packages name in JavaScript otherwise than by its first character.
const NAMES = { CORSConfiguration: "corsConfiguration", CORSRule: "corsRule", ID: "id", Id: "identity" };
// Their values have names of their own, which are none of the type's properties.
const FREE = ["PolicyDocument", "AssumeRolePolicyDocument"];

const named = (name) => NAMES[name] ?? name[0].toLowerCase() + name.slice(1);

function properties(value, inFree = false) {
  if (Array.isArray(value)) return value.map((each) => properties(each, inFree));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0][0].startsWith("Fn::")) return "a value of another resource";
  return Object.fromEntries(entries.map(([name, each]) => [named(name), properties(each, inFree)]));
}

function names(value) {
  if (Array.isArray(value)) return value.flatMap(names);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, each]) => (name.startsWith("Fn::") ? [] : [name, ...names(each)]));
}

const template = JSON.parse(readFileSync(path, "utf8"));
const problems = [];
if (template.ROSTemplateFormatVersion !== "2015-09-01") problems.push("ROSTemplateFormatVersion");
for (const [name, resource] of Object.entries(template.Resources)) {
  const [, service, kind] = resource.Type.split("::");
  const Construct = PACKAGES[service]?.[`Ros${kind}`];
  if (Construct === undefined) {
    problems.push(`${name}: there is no type ${resource.Type}`);
    continue;
  }
  try {
    const stack = new ros.Stack(new ros.App(), "stack");
    const made = new Construct(stack, name, properties(resource.Properties), true);
    const rendered = names(made.renderProperties(made.rosProperties ?? {}));
    const given = Object.entries(resource.Properties).flatMap(([each, value]) =>
      FREE.includes(each) ? [each] : [each, ...names(value)],
    );
    for (const each of given) if (!rendered.includes(each)) problems.push(`${name}: ${each} is unknown`);
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}
console.log(problems.join("\n"));
process.exitCode = problems.length ? 1 : 0;
