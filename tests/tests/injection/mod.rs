//! Injection: specs with hostile names and texts in every position, on a real Postgres. What is there afterwards is what
//! the author named, values are the author's, nothing else was touched, and the way down leaves what was there before.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

mod alphabet;
mod behaviour;
mod check;
mod platform;
mod spec;
mod storage;
mod typescript;

use check::Checked;
use spec::Spec;
use specc_model::Target;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What fills one or more positions of the language: names, texts, and what Postgres has to say of them.
type Position = fn(&mut Spec);

/// All of them. A new construct of the language belongs here.
const POSITIONS: &[(&str, Position)] = &[
    ("fields", storage::fields),
    ("conditions", storage::conditions),
    ("shapes", storage::shapes),
    ("types", storage::types),
    ("keys", storage::keys),
    ("references", storage::references),
    ("partitions", storage::partitions),
    ("seeds", storage::seeds),
    ("search", storage::search),
    ("functions", behaviour::functions),
    ("triggers", behaviour::triggers),
    ("views", behaviour::views),
    ("workflows", behaviour::workflows),
    ("limits", behaviour::limits),
    ("rules", behaviour::rules),
    ("mixins", behaviour::mixins),
    ("blocks", behaviour::blocks),
    ("persons", behaviour::persons),
];

/// Those of a platform.
const PLATFORM: &[(&str, Position)] = &[("services", platform::services)];

/// Specs of one structure differ in their names and texts only.
const STRUCTURES: u64 = 49;

/// Which positions a spec of this structure has, whether in a schema of its own, and what it is for.
fn structure(number: u64) -> (Vec<(&'static str, Position)>, bool, Target) {
    let target = if number % 4 == 3 { Target::Supabase } else { Target::Postgres };
    let first = number as usize % POSITIONS.len();
    let second = (first + 1 + number as usize / POSITIONS.len() * 5) % POSITIONS.len();
    let mut all = vec![POSITIONS[first], POSITIONS[second]];
    all.dedup_by_key(|(name, _)| *name);
    if target == Target::Supabase {
        all.extend(PLATFORM);
    }
    (all, number / 3 % 2 == 1, target)
}

fn generated(seed: u64, tame: bool) -> (Spec, Target) {
    let (positions, in_schema, target) = structure(seed % STRUCTURES);
    let mut spec = Spec::new(seed, tame);
    if seed % STRUCTURES % 5 == 2 {
        (spec.default_schema, spec.helper_schema) = (spec.name(), spec.name());
        let schema = spec.default_schema.spec.clone();
        spec.say(&format!("schema {schema}"));
    }
    if in_schema {
        let schema = spec.name();
        let comment = spec.line();
        spec.say(&format!("/// {comment}\nschema {}", schema.spec));
        spec.comment(
            "a schema's comment",
            &format!("obj_description({}::regnamespace, 'pg_namespace')", alphabet::exact(&schema.sql)),
            &comment,
        );
        spec.set_schema(Some(schema));
    }
    for (_, position) in positions {
        position(&mut spec);
    }
    (spec, target)
}

/// Checks specs; what goes wrong, and how many were refused, by the code.
fn check_all(seeds: std::ops::Range<u64>) {
    let total = seeds.end - seeds.start;
    let next = Mutex::new(seeds);
    let (wrong, refused) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<String, u64>::new()));
    std::thread::scope(|scope| {
        for _ in 0..number("THREADS", 2) {
            scope.spawn(|| {
                let mut servers = check::Servers::default();
                loop {
                    let Some(seed) = next.lock().unwrap().next() else { return };
                    match servers.check(seed) {
                        Ok(Checked::Right) => {}
                        Ok(Checked::Refused(codes)) => {
                            let mut refused = refused.lock().unwrap();
                            *refused.entry(codes).or_default() += 1;
                        }
                        Err(error) => {
                            let error = format!("SEED={seed}: {error}");
                            println!("{error}");
                            wrong.lock().unwrap().push(error);
                        }
                    }
                }
            });
        }
    });
    let (wrong, refused) = (wrong.into_inner().unwrap(), refused.into_inner().unwrap());
    let left_out: u64 = refused.values().sum();
    if std::env::var_os("SPECS").is_some() {
        println!("{total} specs, {left_out} refused: {refused:?}");
    }
    assert!(wrong.is_empty(), "{} of {total} specs\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        left_out * 10 <= total * 3,
        "{left_out} of {total} specs were refused, too many to show anything: {refused:?}"
    );
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

#[test]
fn nothing_escapes_from_its_place() {
    check_all(0..200);
}

/// What is asked of a spec with nothing odd in it is so; else the questions are wrong.
#[test]
fn tame_specs_are_right() {
    let mut servers = check::Servers::default();
    for seed in 0..STRUCTURES {
        if let Err(error) = servers.tame(seed) {
            panic!("structure {seed}: {error}");
        }
    }
}

/// `SPECS=20000 SEED=0 cargo test -p specc-tests --test all -- --ignored injection::many`
#[test]
#[ignore = "the long run: half an hour"]
fn many_specs_escape_from_nothing() {
    let seed = number("SEED", 1000);
    check_all(seed..seed + number("SPECS", 20_000));
}

/// What `specc.toml` names stands in headers, titles and paths.
#[test]
fn a_project_and_its_folders_have_any_name() {
    let project = tempfile::tempdir().unwrap();
    let built = |name: &str, rest: &str| {
        let out = tempfile::tempdir().unwrap();
        let config = format!("name = {name}\ntarget = \"postgres\"\n{rest}");
        std::fs::write(project.path().join("specc.toml"), config).unwrap();
        std::fs::write(project.path().join("case.dbspec"), "entity t { id: int key, rls off }\n").unwrap();
        let path = |dir: &std::path::Path| dir.to_str().unwrap().to_owned();
        let (from, to) = (path(project.path()), path(out.path()));
        let code = specc::run(["specc", "build", "--project", &from, "--out", &to, "--stamp", "20260101000000"]);
        (format!("{code:?}") == format!("{:?}", std::process::ExitCode::SUCCESS), out)
    };
    let folder = "mi gra'tions;$$ -- %s \"x\"";
    let quoted = toml::Value::from(folder).to_string();
    for name in [
        "*/ drop table public.canary; --",
        "'; drop table public.canary; --",
        "$$ \\. \u{2028} drop table public.canary; %s",
    ] {
        let (right, out) = built(&toml::Value::from(name).to_string(), &format!("[output]\nmigrations = {quoted}\n"));
        assert!(right, "{name}");
        let db = specc_postgres::shared(15).empty_database().unwrap();
        let mut owner = db.connect().unwrap();
        let canary = "create table public.canary (id int)";
        specc_tests::stage::run(&mut owner, "a canary", canary);
        let found = specc_tests::build::files(&out.path().join(folder));
        let sql: Vec<_> = found.iter().filter(|(path, _)| path.ends_with(".sql")).collect();
        assert_eq!(sql.len(), 1, "{found:?}");
        specc_tests::stage::run(&mut owner, "the migration", std::str::from_utf8(sql[0].1).unwrap());
        let there =
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1";
        assert_eq!(specc_tests::texts(&mut owner, there), ["canary", "t"]);
    }
    for name in [r#""a\nb""#, r#""a\u0000b""#, r#""a\rb""#, r#""""#] {
        assert!(!built(name, "").0, "{name}");
    }
    for schema in ["pg_x", "information_schema", "", "a\\nb", &"x".repeat(64)] {
        assert!(!built("\"a\"", &format!("[schemas]\nhelpers = \"{schema}\"\n")).0, "{schema}");
    }
}
