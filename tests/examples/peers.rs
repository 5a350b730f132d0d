//! What other tools say of the holes under `tests/access`: `cargo run -p specc-tests --example peers -- FOLDER_OF_PROGRAMS`,
//! where `pgrls`, `rlsautotest` and `trespass` (`trespass-rls`) of PyPI are.
//!
//! Each hole and its sound twin are built and loaded into a private cluster. A tool finds a hole if it says something of the
//! leaky database that it does not say of the sound one, whatever that is; it accuses the twin if it says there what it
//! calls a leak or an error.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use serde_json::Value;
use specc_tests::build::{Layout, build, write_project};
use specc_tests::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a tool said of a database.
#[derive(Default)]
struct Said {
    /// Everything, as words that do not change from one database to the other.
    all: BTreeSet<String>,
    /// How much of it is called a leak or an error.
    errors: usize,
}

/// What a tool looks at.
struct Subject<'a> {
    /// Where the tools are.
    bin: &'a Path,
    /// The database.
    url: String,
    /// The migrations that made it.
    migrations: PathBuf,
}

type Tool = fn(&Subject<'_>) -> Said;

const TOOLS: [(&str, Tool); 4] =
    [("pgrls lint", lint), ("pgrls verify", verify), ("rlsautotest", autotest), ("trespass", trespass)];

/// Rules that find something in every database here: they are about the owner of tables, and are no leak.
const OF_ALL: [&str; 1] = ["SEC002"];

const MODES: [&str; 4] = ["anon", "cross-tenant", "write", "reachability"];

fn run(program: &Path, args: &[&str]) -> Output {
    Command::new(program).args(args).env("NO_COLOR", "1").output().unwrap()
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{error}"))
}

/// Words of an object, without what differs from run to run.
fn words(value: &Value, keys: &[&str]) -> String {
    keys.iter().map(|key| value[key].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn lint(Subject { bin, url, .. }: &Subject<'_>) -> Said {
    let output = run(&bin.join("pgrls"), &["lint", "--database-url", url, "--schemas", "public", "--format", "json"]);
    let mut said = Said::default();
    for finding in list(&json(&output), "violations") {
        let is_error =
            finding["severity"] == "error" && !OF_ALL.contains(&finding["rule_id"].as_str().unwrap_or_default());
        said.errors += usize::from(is_error);
        said.all.insert(words(finding, &["rule_id", "location"]));
    }
    said
}

fn verify(Subject { bin, url, .. }: &Subject<'_>) -> Said {
    let mut said = Said::default();
    for mode in MODES {
        let args = ["verify", "--database-url", url, "--schemas", "public", "--mode", mode, "--format", "json"];
        let found = json(&run(&bin.join("pgrls"), &args));
        for table in list(&found, "tables").iter().filter(|table| table["verdict"] == "leak") {
            said.errors += 1;
            said.all.insert(format!("{mode} {}", words(table, &["table"])));
        }
    }
    said
}

fn autotest(Subject { bin, url, .. }: &Subject<'_>) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.json");
    let args = ["--schema", "public", "--db-url", url, "--report", "--report-json", file.to_str().unwrap()];
    let output = run(&bin.join("rlsautotest"), &args);
    let mut said = Said::default();
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("rlsautotest wrote nothing: {}", String::from_utf8_lossy(&output.stderr));
        return said;
    };
    let report: Value = serde_json::from_str(&text).unwrap();
    for table in list(&report, "tables") {
        let name = words(table, &["table"]);
        for kind in ["footguns", "transition_leaks", "leak_cells", "multi_findings"] {
            for finding in list(table, kind).iter().map(Value::to_string).filter(|text| !text.contains("UNRELIABLE")) {
                said.errors += usize::from(kind.ends_with("leaks") || kind.starts_with("leak"));
                said.all.insert(format!("{name} {kind} {finding}"));
            }
        }
        if table["exposed"] == true {
            said.errors += 1;
            said.all.insert(format!("{name} exposed"));
        }
    }
    for surface in list(&report, "bypass_surfaces") {
        said.all.insert(words(surface, &["object", "type"]));
    }
    said
}

fn trespass(Subject { bin, migrations, .. }: &Subject<'_>) -> Said {
    let output = run(&bin.join("trespass"), &["check", migrations.to_str().unwrap(), "--format", "json"]);
    let mut said = Said::default();
    for finding in list(&json(&output), "findings").iter().filter(|finding| finding["verdict"] == "vulnerable") {
        said.errors += 1;
        said.all.insert(words(finding, &["rule", "table", "command", "role"]));
    }
    said
}

fn main() {
    let bin = std::env::args().nth(1).expect("the folder of the programs");
    let bin = Path::new(&bin);
    let mut folders: Vec<_> =
        std::fs::read_dir(root().join("tests/access")).unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    // By area: holes, and for each tool how many it finds and how many twins it accuses.
    let mut areas: BTreeMap<String, (usize, [(usize, usize); 4])> = BTreeMap::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = std::fs::read_to_string(folder.join("expect.toml")).unwrap();
        let expected: toml::Table = expected.parse().unwrap();
        let options = expected.get("options").and_then(toml::Value::as_str).unwrap_or_default();
        if options.contains("target") {
            println!("{name}: left out, it is not about the platform that the tools know");
            continue;
        }
        let area = areas.entry(name.split('_').next().unwrap_or_default().to_owned()).or_default();
        area.0 += 1;
        let [leaky, sound] = ["leaky", "sound"].map(|file| {
            let dir = tempfile::tempdir().unwrap();
            let text = std::fs::read_to_string(folder.join(file).with_extension("dbspec")).unwrap();
            write_project(dir.path(), Layout::Supabase, &text);
            let settings = dir.path().join("specc.toml");
            let own = std::fs::read_to_string(&settings).unwrap();
            std::fs::write(&settings, format!("{options}\n{own}")).unwrap();
            let built = build(dir.path());
            let db = built.database(15, specc_tests::Rows::Base);
            let url = db.url("postgres");
            let subject = Subject { bin, url, migrations: built.dir().join("supabase/migrations") };
            TOOLS.map(|(_, tool)| tool(&subject))
        });
        let mut line = Vec::new();
        for (at, (leaky, sound)) in leaky.iter().zip(&sound).enumerate() {
            let found = leaky.all.difference(&sound.all).next().is_some();
            area.1[at].0 += usize::from(found);
            area.1[at].1 += usize::from(sound.errors > 0);
            line.push(format!("{} {found}/{}", TOOLS[at].0, sound.errors));
        }
        println!("{name}: {}", line.join(", "));
    }
    println!("| area | holes | {} |", TOOLS.map(|(name, _)| format!("{name}: found, twins accused")).join(" | "));
    for (area, (holes, tools)) in areas {
        println!("| {area} | {holes} | {} |", tools.map(|(found, accused)| format!("{found}, {accused}")).join(" | "));
    }
}
