// Writes the JSON Schemas of the request bodies beside this file, out of the clients that Microsoft generates from
// Azure's published API specifications (https://github.com/Azure/azure-rest-api-specs), MIT licence.
//
//   node generate.mjs
//
// Versions are those whose api-version this project speaks. Run it again when `src/arm/kind.rs` changes its versions.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const CLIENTS = [
  {
    file: "compute.json",
    client: "@azure/arm-compute@22.1.0",
    apiVersions: { default: "2024-07-01", "Microsoft.Compute/disks": "2024-03-02" },
    types: {
      "Microsoft.Compute/availabilitySets": "AvailabilitySet",
      "Microsoft.Compute/disks": "Disk",
      "Microsoft.Compute/images": "Image",
      "Microsoft.Compute/proximityPlacementGroups": "ProximityPlacementGroup",
      "Microsoft.Compute/virtualMachines": "VirtualMachine",
      "Microsoft.Compute/virtualMachineScaleSets": "VirtualMachineScaleSet",
    },
  },
  {
    file: "network.json",
    client: "@azure/arm-network@33.4.0",
    apiVersions: { default: "2024-03-01" },
    types: {
      "Microsoft.Network/loadBalancers": "LoadBalancer",
      "Microsoft.Network/networkInterfaces": "NetworkInterface",
      "Microsoft.Network/networkSecurityGroups": "NetworkSecurityGroup",
      "Microsoft.Network/publicIPAddresses": "PublicIPAddress",
      "Microsoft.Network/virtualNetworks": "VirtualNetwork",
    },
  },
  {
    file: "identity.json",
    client: "@azure/arm-msi@2.1.0",
    apiVersions: { default: "2023-01-31" },
    types: { "Microsoft.ManagedIdentity/userAssignedIdentities": "Identity" },
  },
  {
    file: "resources.json",
    client: "@azure/arm-resources@5.2.0",
    apiVersions: { default: "2021-04-01" },
    types: { "Microsoft.Resources/resourceGroups": "ResourceGroup" },
  },
];

// Enumerations that are no limit: the list of sizes ends in 2019, and Azure takes every size that a region has.
const OPEN = new Set(["VirtualMachineSizeTypes"]);

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "azure-schemas-"));
try {
  for (const client of CLIENTS) {
    const schema = await schemaOf(client);
    writeFileSync(join(here, client.file), `${JSON.stringify(schema, null, 1)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function schemaOf({ client, apiVersions, types }) {
  const pack = ["pack", "--silent", "--pack-destination", folder, client];
  const archive = execFileSync("npm", pack, { encoding: "utf8" }).trim().split("\n").pop();
  const unpacked = mkdtempSync(join(folder, "client-"));
  execFileSync("tar", ["-xzf", join(folder, archive), "-C", unpacked, "--strip-components=1"]);
  writeFileSync(join(unpacked, "dist-esm", "package.json"), '{"type": "module"}');
  const mappers = await import(pathToFileURL(join(unpacked, "dist-esm/src/models/mappers.js")));
  const values = enumerations(readFileSync(join(unpacked, "src/models/index.ts"), "utf8"));
  const definitions = {};
  const wanted = Object.values(types);
  while (wanted.length > 0) {
    const name = wanted.pop();
    if (!(name in definitions)) {
      definitions[name] = definition(mappers[name].type, values[name] ?? {}, wanted);
    }
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $comment: `Made by generate.mjs from ${client}, which Microsoft generates from Azure's published specifications`,
    apiVersions,
    types: Object.fromEntries(Object.entries(types).map(([type, name]) => [type, { $ref: `#/$defs/${name}` }])),
    $defs: Object.fromEntries(Object.entries(definitions).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

// The values of each model's properties whose type is an enumeration: the mappers call them strings.
function enumerations(source) {
  const known = {};
  for (const [, name, body] of source.matchAll(/export enum Known(\w+) \{([^}]*)\}/g)) {
    known[name] = [...body.matchAll(/= "([^"]*)"/g)].map(([, value]) => value);
  }
  for (const [, name, body] of source.matchAll(/export type (\w+) =((?:\s*\|?\s*"[^"]*")+);/g)) {
    known[name] = [...body.matchAll(/"([^"]*)"/g)].map(([, value]) => value);
  }
  const models = {};
  for (const [, name, parents, body] of source.matchAll(/export interface (\w+)(?:\s+extends ([\w,\s]+?))? \{([\s\S]*?)\n\}/g)) {
    models[name] = Object.assign({}, ...(parents ?? "").split(",").map((parent) => models[parent.trim()] ?? {}));
    for (const [, property, type] of body.matchAll(/^\s+(?:readonly )?(\w+)\??: (\w+)(?:\[\])?;/gm)) {
      if (type in known && !OPEN.has(type)) {
        models[name][property] = known[type];
      }
    }
  }
  return models;
}

function definition(type, enumerated, wanted) {
  const root = { type: "object", additionalProperties: false, properties: {} };
  for (const [property, mapper] of Object.entries(type.modelProperties ?? {})) {
    const steps = mapper.serializedName.split(/(?<!\\)\./).map((step) => step.replaceAll("\\.", "."));
    const last = steps.pop();
    let place = root;
    for (const step of steps) {
      place.properties[step] ??= { type: "object", additionalProperties: false, properties: {} };
      place = place.properties[step];
    }
    place.properties[last] = value(mapper, enumerated[property], wanted);
    if (mapper.required && !mapper.readOnly) {
      place.required = [...(place.required ?? []), last];
    }
  }
  if (type.additionalProperties) {
    root.additionalProperties = value(type.additionalProperties, undefined, wanted);
  }
  return root;
}

function value(mapper, enumerated, wanted) {
  // What Azure says and nobody sets needs no form.
  if (mapper.readOnly) {
    return { readOnly: true };
  }
  const { type, constraints = {} } = mapper;
  const limits = {};
  const names = {
    MaxLength: "maxLength",
    MinLength: "minLength",
    Pattern: "pattern",
    InclusiveMaximum: "maximum",
    InclusiveMinimum: "minimum",
    ExclusiveMaximum: "exclusiveMaximum",
    ExclusiveMinimum: "exclusiveMinimum",
    MaxItems: "maxItems",
    MinItems: "minItems",
    MultipleOf: "multipleOf",
  };
  for (const [constraint, limit] of Object.entries(constraints)) {
    if (constraint in names) {
      limits[names[constraint]] = limit instanceof RegExp ? limit.source : limit;
    }
  }
  const oneOf = type.allowedValues ?? enumerated;
  // Azure takes its own words in any case.
  const words = oneOf && { pattern: `^(?i:${oneOf.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})$` };
  switch (type.name) {
    case "Composite":
      if (type.className === undefined) return {};
      wanted.push(type.className);
      return { $ref: `#/$defs/${type.className}` };
    case "Sequence":
      return { type: "array", items: value(type.element, enumerated, wanted), ...limits };
    case "Dictionary":
      return { type: "object", additionalProperties: value(type.value, undefined, wanted), ...limits };
    case "Boolean":
      return { type: "boolean" };
    case "Number":
      return { type: "number", ...limits };
    case "String":
    case "Enum":
    case "ByteArray":
    case "Date":
    case "DateTime":
    case "TimeSpan":
    case "Uuid":
      return { type: "string", ...limits, ...words };
    default:
      return {};
  }
}
