//! The JSON that Supabase's generators of types read.
//!
//! The ignored test has them write Go, Python and Swift from it, and from what they read of a loaded database themselves:
//! `cargo test -p specc-tests --test all -- --ignored written::metadata`.

use super::written;
use specc_tests::forward::forward;
use specc_tests::{Rows, database, specs};
use std::fs;
use std::process::Command;

const PACKAGES: [&str; 2] = ["@supabase/postgrest-typegen@0.2.5", "pg@8.16.3"];

const COMPARE: &str = r#"
import { generateGo, generatePython, generateSwift, introspect, parseGeneratorMetadata, sortGeneratorMetadata } from "@supabase/postgrest-typegen"
import { readFileSync, writeFileSync } from "fs"
import pg from "pg"
const [url, file] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 4 })
const read = await introspect(pool, { includedSchemas: ["public"] })
await pool.end()
// The types of the platform's own schemas are none of the spec's.
const platform = new Set(["auth", "storage", "realtime", "vault", "graphql", "graphql_public", "pgbouncer", "net", "cron"])
read.types = read.types.filter((type) => !platform.has(type.schema) || type.enums.length === 0)
const ours = parseGeneratorMetadata(JSON.parse(readFileSync(file, "utf8")))
for (const [name, generate] of Object.entries({ go: generateGo, python: generatePython, swift: generateSwift })) {
  const [wanted, found] = [read, ours].map((metadata) => {
    const sorted = sortGeneratorMetadata(metadata)
    return generate(sorted)
  })
  writeFileSync(`${file}.${name}.theirs`, wanted)
  writeFileSync(`${file}.${name}.ours`, found)
  if (wanted.length < 200) throw new Error(`${name} writes nothing`)
}
"#;

#[test]
fn the_metadata_of_the_starter() {
    insta::assert_snapshot!("metadata_starter", written("starter", &["--lang", "metadata"]));
}

#[test]
#[ignore = "installs programs by npm"]
fn the_generators_write_the_same_from_the_metadata() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--silent"]).args(PACKAGES).current_dir(dir.path());
    assert!(npm.status().expect("npm is there").success(), "npm installs");
    fs::write(dir.path().join("compare.mjs"), COMPARE).expect("a file");
    let mut differ = Vec::new();
    for name in specs() {
        let db = database(&name, 15, Rows::Base);
        let port = forward(db.config("postgres"));
        let url = format!("postgresql://postgres@127.0.0.1:{port}/{}?sslmode=disable", db.name());
        let file = dir.path().join(format!("{name}.json"));
        fs::write(&file, written(&name, &["--lang", "metadata"])).expect("a file");
        let mut node = Command::new("node");
        let done = node.arg("compare.mjs").arg(url).arg(&file).current_dir(dir.path()).output().expect("node is there");
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        for language in ["go", "python", "swift"] {
            let text = |whose: &str| {
                fs::read_to_string(dir.path().join(format!("{name}.json.{language}.{whose}"))).expect("a file")
            };
            let (theirs, ours) = (text("theirs"), text("ours"));
            let at = theirs.lines().zip(ours.lines()).position(|(a, b)| a != b);
            if let Some(at) = at {
                let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
                differ.push(format!("{name}.{language}:{at}\n  theirs: {}\n  ours:   {}", line(&theirs), line(&ours)));
            } else if theirs != ours {
                differ.push(format!("{name}.{language}: one is longer"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
