//! Prints what the program is made of, as a CycloneDX document: each package that is linked into `specc` on this system, with
//! its version, licence and checksum. The same lock file gives the same document.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(&root)
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let lock: toml::Table =
        std::fs::read_to_string(root.join("Cargo.lock")).expect("the lock file").parse().expect("TOML");
    println!("{:#}", document(&metadata, &lock));
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

/// The packages that are linked: dependencies that are neither for builds nor for tests.
fn linked<'m>(metadata: &'m Value, root: &'m str) -> BTreeMap<&'m str, BTreeSet<&'m str>> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("a graph");
    let mut found = BTreeMap::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|node| node["id"] == *id).expect("a package of the graph");
        let is_linked =
            |of: &&Value| of["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k["kind"].is_null()));
        let on: BTreeSet<&str> =
            node["deps"].as_array().into_iter().flatten().filter(is_linked).map(|of| text(&of["pkg"])).collect();
        open.extend(on.iter().filter(|id| !found.contains_key(*id)));
        found.insert(id, on);
    }
    found
}

fn document(metadata: &Value, lock: &toml::Table) -> Value {
    let packages = metadata["packages"].as_array().expect("packages");
    let package = |id: &str| packages.iter().find(|package| package["id"] == *id).expect("a package");
    let reference = |id: &str| format!("pkg:cargo/{}@{}", text(&package(id)["name"]), text(&package(id)["version"]));
    let checksum = |id: &str| {
        let same = |p: &&toml::Value| {
            p["name"].as_str() == package(id)["name"].as_str()
                && p["version"].as_str() == package(id)["version"].as_str()
        };
        lock["package"].as_array()?.iter().find(same)?.get("checksum")?.as_str()
    };
    let root = text(&packages.iter().find(|package| package["name"] == "specc").expect("specc")["id"]);
    let graph = linked(metadata, root);
    let component = |id: &str, kind: &str| {
        let mut component = json!({
            "type": kind, "bom-ref": reference(id), "purl": reference(id),
            "name": package(id)["name"], "version": package(id)["version"],
            "licenses": [{ "expression": text(&package(id)["license"]).replace('/', " OR ") }],
        });
        if let Some(sum) = checksum(id) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
        }
        component
    };
    let mut components: Vec<Value> =
        graph.keys().filter(|id| **id != root).map(|id| component(id, "library")).collect();
    components.sort_by(|a, b| text(&a["bom-ref"]).cmp(text(&b["bom-ref"])));
    let mut depends: Vec<Value> = graph
        .iter()
        .map(|(id, on)| json!({ "ref": reference(id), "dependsOn": on.iter().map(|id| reference(id)).collect::<BTreeSet<_>>() }))
        .collect();
    depends.sort_by(|a, b| text(&a["ref"]).cmp(text(&b["ref"])));
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": component(root, "application") },
        "components": components, "dependencies": depends,
    })
}
