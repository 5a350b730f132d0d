//! What specc is built from: where it comes from, under which licences, and what is known against it. Nothing here needs
//! the network: advisories are a snapshot of facts in `fixtures/supply/advisories.toml`.

#![allow(clippy::disallowed_methods)]

use semver::{Version, VersionReq};
use spdx::Expression;
use std::path::{Path, PathBuf};
use std::process::Command;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Licences that ask for no more than their text beside the binary.
const LICENCES: &[&str] = &["Apache-2.0", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Zlib"];

/// Advisories that do not matter here, and why.
const ACCEPTED: &[(&str, &str)] = &[];

struct Advisory {
    id: String,
    package: String,
    /// Versions that it does not speak of, and those that mend it.
    safe: Vec<VersionReq>,
    withdrawn: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn table(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(path)).expect("the file");
    text.parse().expect("TOML")
}

fn advisories() -> Vec<Advisory> {
    let text = table("fixtures/supply/advisories.toml");
    let list = text["advisory"].as_array().expect("a list");
    let words = |of: &toml::Value| of.as_str().expect("a text").to_owned();
    let ranges = |entry: &toml::Value, key: &str| -> Vec<VersionReq> {
        let list = entry.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|range| VersionReq::parse(&words(range)).expect("a range")).collect()
    };
    list.iter()
        .map(|entry| Advisory {
            id: words(&entry["id"]),
            package: words(&entry["package"]),
            safe: [ranges(entry, "patched"), ranges(entry, "unaffected")].concat(),
            withdrawn: entry.get("withdrawn").is_some(),
        })
        .collect()
}

/// Which advisories speak of this version.
fn against<'a>(advisories: &'a [Advisory], name: &str, version: &Version) -> Vec<&'a str> {
    let of = |a: &&Advisory| a.package == name && !a.withdrawn && !a.safe.iter().any(|range| range.matches(version));
    advisories.iter().filter(of).map(|a| a.id.as_str()).collect()
}

/// What is wrong with a package of the lock file.
fn faults(package: &toml::Value, advisories: &[Advisory]) -> Vec<String> {
    let word = |key: &str| package.get(key).and_then(toml::Value::as_str);
    let (name, version) = (word("name").expect("a name"), word("version").expect("a version"));
    let Some(source) = word("source") else { return Vec::new() };
    let mut found = Vec::new();
    if source != REGISTRY {
        found.push(format!("{name} comes from {source}"));
    }
    if word("checksum").is_none_or(|sum| sum.len() != 64) {
        found.push(format!("{name} has no checksum"));
    }
    let version = Version::parse(version).expect("a version");
    let accepted = |id: &&str| ACCEPTED.iter().any(|(accepted, _)| accepted == id);
    let known = against(advisories, name, &version).into_iter().filter(|id| !accepted(id));
    found.extend(known.map(|id| format!("{id} is known of {name} {version}")));
    found
}

fn is_allowed(licence: &str) -> bool {
    let Ok(expression) = Expression::parse_mode(licence, spdx::ParseMode::LAX) else { return false };
    expression.evaluate(|needed| needed.license.id().is_some_and(|id| LICENCES.contains(&id.name)))
}

#[test]
fn packages_come_from_one_place_and_nothing_is_known_against_them() {
    let advisories = advisories();
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let packages = table(lock);
        let packages = packages["package"].as_array().expect("packages");
        let found: Vec<String> = packages.iter().flat_map(|package| faults(package, &advisories)).collect();
        assert!(packages.len() > 200, "{lock}: {}", packages.len());
        assert!(found.is_empty(), "{lock}: {}", found.join("\n"));
    }
}

/// The fuzzer is built from what its lock file says, so that has each package of ours, with what it depends on.
#[test]
fn the_lock_file_of_the_fuzzer_knows_each_package() {
    let (own, fuzz) = (table("Cargo.lock"), table("tests/fuzz/Cargo.lock"));
    let own_of = |lock: &toml::Table| -> std::collections::BTreeMap<String, Vec<String>> {
        let name = |word: &toml::Value| word.as_str().and_then(|word| word.split(' ').next()).map(str::to_owned);
        let of = |package: &toml::Value| {
            let all = package.get("dependencies").and_then(toml::Value::as_array);
            Some((name(&package["name"])?, all.into_iter().flatten().filter_map(name).collect()))
        };
        let all = lock["package"].as_array().expect("packages").iter();
        all.filter(|package| package.get("source").is_none()).filter_map(of).collect()
    };
    let (own, fuzz) = (own_of(&own), own_of(&fuzz));
    let missing: Vec<&String> = own.keys().filter(|name| !fuzz.contains_key(*name)).collect();
    assert!(missing.is_empty(), "cargo metadata in tests/fuzz writes the lock file: {missing:?} are missing");
    for name in ["specc-prove", "specc-types", "specc-verify", "specc-model"] {
        let extra: Vec<&String> = fuzz[name].iter().filter(|of| !own[name].contains(of)).collect();
        assert!(extra.is_empty(), "{name}: {extra:?}");
    }
}

/// `cargo deny` is asked for what this file asks for.
#[test]
fn the_settings_of_cargo_deny_say_the_same() {
    let settings = table(".deny.toml");
    let list = |section: &str, key: &str| -> Vec<String> {
        let found = settings[section][key].as_array().expect("a list");
        found.iter().map(|word| word.as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(list("licenses", "allow"), LICENCES);
    assert_eq!(list("advisories", "ignore"), ACCEPTED.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    assert_eq!(
        list("sources", "allow-registry").iter().map(|url| format!("registry+{url}")).collect::<Vec<_>>(),
        [REGISTRY]
    );
}

/// The same reading of a lock file that is not in order.
#[test]
fn a_bad_package_is_found() {
    let lock = "[[package]]\nname = \"smallvec\"\nversion = \"1.6.0\"\nsource = \"git+https://example.com/smallvec\"\n
[[package]]\nname = \"smallvec\"\nversion = \"1.6.1\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"
checksum = \"0000000000000000000000000000000000000000000000000000000000000000\"";
    let lock: toml::Table = lock.parse().expect("TOML");
    let advisories = advisories();
    let found: Vec<Vec<String>> =
        lock["package"].as_array().expect("packages").iter().map(|package| faults(package, &advisories)).collect();
    let wanted = [
        "smallvec comes from git+https://example.com/smallvec",
        "smallvec has no checksum",
        "RUSTSEC-2021-0003 is known of smallvec 1.6.0",
    ];
    assert_eq!(found, [wanted.map(str::to_owned).to_vec(), Vec::new()]);
}

#[test]
fn licences_are_among_those_that_are_allowed() {
    for (licence, allowed) in [
        ("MIT OR Apache-2.0", true),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only", false),
        ("MIT AND GPL-3.0-only", false),
        ("Unlicense/MIT", true),
        ("", false),
        ("Apache-2.0 WITH LLVM-exception", true),
    ] {
        assert_eq!(is_allowed(licence), allowed, "{licence}");
    }
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", HOST])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 200, "{}", packages.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default()))
        .map(|package| format!("{} is under {}", package["name"], package["license"]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever the system, the packages are those of this one: others are linked elsewhere.
const HOST: &str = if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" };
