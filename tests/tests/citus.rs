//! What Citus takes and what it refuses: each case of `tests/citus/cases.txt` has the verdict that its sources and regression
//! outputs give, and specc says the same. So do functions of the same names on a plain Postgres (`tests/src/citus.sql`), which know
//! nothing of specc: what is right loads there, and what is wrong is refused there by the same rule.
//!
//! About 10 seconds.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_catalog::Catalog;
use specc_diag::{Severity, Sources, Span};
use specc_facts::citus;
use specc_model::{Model, Options, Target};
use specc_postgres::{Session, shared};
use specc_syntax::ast::{DistributeDecl, ItemKind, Member, MemberKind, Name, SpecFile};
use specc_tests::stage::said;
use specc_tests::{VERSIONS, root, spec_files};
use std::collections::{BTreeMap, BTreeSet};

const STANDIN: &str = include_str!("../src/citus.sql");

struct Case {
    name: String,
    verdict: String,
    source: String,
    spec: String,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/citus/cases.txt")).unwrap();
    let parts = text.split("\n== ").skip(1);
    let case = |part: &str| {
        let (head, spec) = part.split_once('\n').unwrap();
        let [name, verdict, source] = head.split(" | ").collect::<Vec<_>>()[..] else { panic!("{head}") };
        Case { name: name.into(), verdict: verdict.into(), source: source.into(), spec: spec.into() }
    };
    parts.map(case).collect()
}

/// What specc says of a spec in this target, and what it would make of it all the same.
fn compiled(spec: &str) -> (BTreeSet<&'static str>, Catalog, String) {
    let mut sources = Sources::new();
    let id = sources.add("case.dbspec", spec);
    let (file, mut found) = specc_syntax::parse(id, spec);
    let options = Options { target: Target::Citus, ..Options::default() };
    let (model, more) = specc_model::analyze(vec![file], &mut sources, options);
    found.extend(more);
    let (catalog, more) = specc_lower::lower(&model);
    found.extend(more);
    let errors = found.iter().filter(|d| d.severity() == Severity::Error);
    let text = errors.clone().map(|d| format!("{} {}\n", d.code.name(), d.message)).collect();
    (errors.map(|d| d.code.name()).collect(), catalog, text)
}

fn script(catalog: &Catalog) -> String {
    let plan = specc_migrate::plan_create(catalog).unwrap();
    let mut out = String::new();
    plan.statements().for_each(|statement| specc_sql::print(statement, &mut out));
    out
}

/// How the functions that stand in for Citus take it: the rule that they name, or what else went wrong.
fn loaded(session: &mut Session, script: &str) -> Result<(), String> {
    let mut transaction = session.transaction().unwrap();
    let result =
        transaction.batch_execute(script).and_then(|()| transaction.batch_execute("select citus_standin.check_all()"));
    transaction.rollback().unwrap();
    // Its first line, behind the number of the error.
    result.map_err(|error| said(&error).lines().next().unwrap_or_default().trim_start_matches("0A000 ").to_owned())
}

#[test]
fn a_verdict_is_that_of_citus() {
    println!(
        "SKIPPED: Citus is not on this machine: no case was tried on a real one, only on functions that stand in for it"
    );
    let cases = cases();
    let count = |right: bool| cases.iter().filter(|case| (case.verdict == "right") == right).count();
    assert!(count(true) >= 50 && count(false) >= 50, "{} right, {} wrong", count(true), count(false));
    let mut sessions: Vec<(u32, specc_postgres::Database)> = Vec::new();
    for major in VERSIONS {
        let db = shared(major).empty_database().unwrap();
        db.load(STANDIN).unwrap();
        sessions.push((major, db));
    }
    let mut wrong = String::new();
    for case in &cases {
        assert!(case.source.starts_with("src/"), "{}: no source", case.name);
        let (codes, catalog, text) = compiled(&case.spec);
        let wanted: BTreeSet<&str> = Some(&*case.verdict).filter(|v| *v != "right").into_iter().collect();
        if codes != wanted {
            wrong += &format!("{}: specc says {codes:?}, not {}\n{text}", case.name, case.verdict);
            continue;
        }
        let script = script(&catalog);
        for (major, db) in &sessions {
            let told = loaded(&mut db.connect().unwrap(), &script);
            match (&told, case.verdict.as_str()) {
                (Ok(()), "right") => {}
                (Err(rule), verdict) if rule.starts_with(verdict) => {}
                _ => wrong += &format!("{} on {major}: {told:?}, not {}\n", case.name, case.verdict),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_fact_has_a_source_and_a_case() {
    let cases = cases();
    let sources: BTreeSet<&str> = cases.iter().map(|case| case.source.as_str()).collect();
    for (rule, fact) in citus::ALL {
        assert_eq!(citus::ALL.iter().filter(|(other, _)| other == rule).count(), 1, "{rule:?}");
        assert!(fact.source.starts_with("src/") && !fact.says.is_empty() && !fact.versions.is_empty(), "{rule:?}");
        let pure = *rule == citus::Rule::NegativeScale;
        assert!(pure || sources.contains(fact.source), "{rule:?}: no case is from {}", fact.source);
    }
    let mut names = BTreeMap::new();
    cases.iter().for_each(|case| *names.entry(&case.name).or_insert(0) += 1);
    assert!(names.values().all(|count| *count == 1), "a name is there twice");
}

/// The large projects, which were written for one server.
const LARGE: &[&str] = &["automation_platform", "medellin_spark", "srvc_crm"];

/// The files of a project without what only a platform has, and what it takes from there.
fn files(name: &str, sources: &mut Sources) -> Vec<SpecFile> {
    let ground = std::fs::read_to_string(root().join("tests/citus/ground.dbspec")).unwrap();
    let texts = spec_files(name).into_iter().chain([("ground.dbspec".to_owned(), ground)]);
    let mut all = Vec::new();
    for (name, text) in texts {
        let id = sources.add(name, text.as_str());
        let (mut file, found) = specc_syntax::parse(id, &text);
        assert!(found.is_empty(), "{found:?}");
        file.items.retain(|item| match &item.kind {
            ItemKind::Policy(block) => block.entity.schema.as_ref().is_none_or(|schema| schema.text != "storage"),
            other => !matches!(
                other,
                ItemKind::Bucket(_)
                    | ItemKind::Realtime(_)
                    | ItemKind::Schedule(_)
                    | ItemKind::Webhook(_)
                    | ItemKind::Seed(_)
                    | ItemKind::Promise(_)
                    | ItemKind::Scenario(_)
                    | ItemKind::Query(_)
                    | ItemKind::Size(_)
            ),
        });
        for item in &mut file.items {
            if let ItemKind::Entity(entity) = &mut item.kind {
                entity.members.retain(|member| !matches!(member.kind, MemberKind::Promise(_)));
            }
        }
        file.accepts.clear();
        all.push(file);
    }
    all
}

/// Where the rows of an entity are to be.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    By(String),
    Reference,
    Local,
}

type Reasons = BTreeMap<String, BTreeSet<&'static str>>;

/// What is wrong with a project where the rows of its entities are there, by entity.
fn tried(name: &str, wanted: &BTreeMap<String, Wanted>) -> (Model, Catalog, Reasons) {
    let mut sources = Sources::new();
    let mut files = files(name, &mut sources);
    for item in files.iter_mut().flat_map(|file| &mut file.items) {
        let ItemKind::Entity(entity) = &mut item.kind else { continue };
        let at = entity.name.name.at;
        let word = |text: &str| Name { text: text.into(), at };
        let (by, kind) = match wanted.get(entity.name.name.text.as_str()) {
            Some(Wanted::By(column)) => (Some((word(column), None)), None),
            Some(Wanted::Reference) => (None, Some(word("reference"))),
            Some(Wanted::Local) => (None, Some(word("local"))),
            None => continue,
        };
        let kind = MemberKind::Distribute(Box::new(DistributeDecl { by, kind, at }));
        entity.members.push(Member { doc: None, kind, at });
    }
    let homes: Vec<(Span, String)> = files
        .iter()
        .flat_map(|file| &file.items)
        .filter_map(|item| match &item.kind {
            ItemKind::Entity(entity) => Some((item.at.0, entity.name.name.text.to_string())),
            _ => None,
        })
        .collect();
    let options = Options { target: Target::Citus, ..Options::default() };
    let (model, mut found) = specc_model::analyze(files, &mut sources, options);
    let (catalog, more) = specc_lower::lower(&model);
    found.extend(more);
    let mut reasons = Reasons::new();
    for d in found.iter().filter(|d| d.severity() == Severity::Error) {
        assert!(d.code.name().starts_with("E032"), "{name}: {} {}", d.code.name(), d.message);
        let inside = homes.iter().find(|(span, _)| span.contains(d.span())).map(|(_, entity)| entity.clone());
        let ruled = || model.entities.iter().find(|e| e.rules.iter().any(|rule| rule.span == d.span()));
        let entity = inside.or_else(|| ruled().map(|e| e.name.name.to_string()));
        // A trigger of a mixin is said where it stands, with the entity's name.
        let named = || model.entities.iter().find(|e| d.message.starts_with(&format!("`{}` ", e.name.name)));
        let entity = entity
            .or_else(|| named().map(|e| e.name.name.to_string()))
            .unwrap_or_else(|| panic!("{name}: {} is of no entity", d.message));
        reasons.entry(entity).or_default().insert(d.code.name());
    }
    (model, catalog, reasons)
}

/// What each code says of an entity, in a table.
fn words(codes: &BTreeSet<&str>) -> String {
    let word = |code: &&str| match *code {
        "E0321" => "a key without the column",
        "E0322" => "references to rows that would be elsewhere",
        "E0323" => "references that would change the column",
        "E0324" => "triggers",
        "E0325" => "rules that ask other rows",
        "E0326" => "a column that cannot be shared out",
        _ => "partitions",
    };
    codes.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Where each entity of a project can be: by its key, else on every server, else where it is asked for.
fn chosen(name: &str) -> (BTreeMap<String, (Wanted, String)>, Catalog) {
    let (model, ..) = tried(name, &BTreeMap::new());
    let own: Vec<_> = model.entities.iter().filter(|e| !e.external && e.meta.area != specc_model::STD).collect();
    let name_of = |e: &&specc_model::Entity| e.name.name.to_string();
    let all = |wanted: &dyn Fn(&specc_model::Entity) -> Wanted| own.iter().map(|e| (name_of(e), wanted(e))).collect();
    let key = |e: &specc_model::Entity| match &e.key {
        Some(key) => Wanted::By(e.fields[key.fields[0]].name.to_string()),
        None => Wanted::Local,
    };
    let (_, _, by_key) = tried(name, &all(&key));
    let (_, _, on_each) = tried(name, &all(&|_| Wanted::Reference));
    let mut found: BTreeMap<String, (Wanted, String)> = own
        .iter()
        .map(|e| {
            let name = name_of(e);
            let alone = e.outgoing.is_empty() && e.incoming.is_empty();
            let why = by_key.get(&name).map(words).unwrap_or_default();
            let at = match (by_key.get(&name), on_each.get(&name)) {
                (None, _) if alone => key(e),
                (_, None) => Wanted::Reference,
                _ => Wanted::Local,
            };
            (name, (at, if why.is_empty() { "rows of others refer to it".to_owned() } else { why }))
        })
        .collect();
    loop {
        let wanted = found.iter().map(|(name, (at, _))| (name.clone(), at.clone())).collect();
        let (_, catalog, reasons) = tried(name, &wanted);
        if reasons.is_empty() {
            return (found, catalog);
        }
        for name in reasons.keys() {
            let entry = found.get_mut(name).unwrap();
            assert_ne!(entry.0, Wanted::Local, "{name}: {:?}", reasons[name]);
            entry.0 = Wanted::Local;
        }
    }
}

#[test]
fn the_large_projects_say_where_their_rows_can_be() {
    let mut table = String::from("| project | entity | where it is | why not by its key |\n|---|---|---|---|\n");
    for name in LARGE {
        let (found, catalog) = chosen(name);
        assert!(found.len() > 5, "{name}");
        for (entity, (at, why)) in &found {
            let (at, why) = match at {
                Wanted::By(column) => (format!("by `{column}`"), String::new()),
                Wanted::Reference => ("every server".to_owned(), why.clone()),
                Wanted::Local => ("the server that is asked".to_owned(), why.clone()),
            };
            table += &format!("| `{name}` | `{entity}` | {at} | {why} |\n");
        }
        // Tables with where they are, keys, references and policies: functions and views ask extensions that are not here.
        let script = script(&catalog);
        let shared = found.values().filter(|(at, _)| *at != Wanted::Local).count();
        let calls = script.matches("select create_reference_table(").count()
            + script.matches("select create_distributed_table(").count();
        assert_eq!(calls, shared, "{name}");
    }
    let mut facts = String::from("| Citus says that | versions | where that is known from |\n|---|---|---|\n");
    for (_, fact) in citus::ALL {
        facts += &format!("| {} | {} | `{}` |\n", fact.says, fact.versions, fact.source);
    }
    let path = root().join("docs/citus.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let between = |page: &str, name: &str, text: &str| {
        let (before, rest) = page.split_once(&format!("<!-- {name} -->\n")).unwrap();
        let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
        format!("{before}<!-- {name} -->\n{text}<!-- end -->\n{after}")
    };
    let wanted = between(&between(&page, "facts", &facts), "large", &table);
    let update = std::env::var_os("DOCS_UPDATE").is_some();
    if update {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert!(page == wanted || update, "DOCS_UPDATE=1 writes the tables of docs/citus.md");
}

const BEFORE: &str = "entity a { org: int, zone: int, id: int, key (org, zone, id), distribute as local, rls off }
entity b { org: int, zone: int, a_id: int, n: int, key (org, zone, n)
  reference (org, zone, a_id) -> a (org, zone, id) as a inverse bs on delete cascade
  distribute as local
  rls off
}
entity kinds { id: int key, distribute as local, rls off }
";

/// What is said of where rows are changes: the calls come in an order that Citus takes, there and back.
#[test]
fn rows_move_there_and_back() {
    let by = |a: &str, b: &str, kinds: &str| {
        let mut lines = [a, b, kinds].into_iter();
        BEFORE
            .split("distribute as local")
            .map(|part| format!("{part}{}", lines.next().unwrap_or_default()))
            .collect::<String>()
    };
    let states = [
        BEFORE.to_owned(),
        by("distribute by org", "distribute by org with a", "distribute as reference"),
        by("distribute by zone", "distribute by zone with a", "distribute as reference"),
        by("distribute as reference", "distribute by zone", "distribute as local"),
        BEFORE.to_owned(),
    ];
    let noted = "select coalesce(string_agg(relation || ' ' || kind || coalesce(' ' || col, ''), ', ' order by relation::text), '') from citus_standin.tables";
    for major in VERSIONS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        std::fs::write(dir.path().join("specc.toml"), "name = \"case\"\ntarget = \"citus\"\n").unwrap();
        let db = shared(major).empty_database().unwrap();
        db.load(STANDIN).unwrap();
        let mut session = db.connect().unwrap();
        let mut seen = BTreeSet::new();
        let mut now = Vec::new();
        let mut downs = Vec::new();
        for (n, state) in states.iter().enumerate() {
            std::fs::write(dir.path().join("case.dbspec"), state).unwrap();
            let stamp = format!("2026010{}000000", n + 1);
            let code = specc::run(["specc", "build", "--project", path, "--out", path, "--stamp", &stamp]);
            assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS), "state {n}");
            let mut all: Vec<_> =
                std::fs::read_dir(dir.path().join("migrations")).unwrap().map(|e| e.unwrap().path()).collect();
            all.sort();
            for file in all.into_iter().filter(|file| seen.insert(file.clone())) {
                let text = std::fs::read_to_string(&file).unwrap();
                session.batch_execute(&text).unwrap_or_else(|e| panic!("state {n} on {major}: {}\n{text}", said(&e)));
                downs.push((
                    n,
                    dir.path()
                        .join("specc/down")
                        .join(format!("{}.down.sql", file.file_stem().unwrap().to_str().unwrap())),
                ));
            }
            session.batch_execute("select citus_standin.check_all()").unwrap();
            now.push(specc_tests::one_text(&mut session, noted));
        }
        assert_eq!(
            now,
            [
                "",
                "a distributed org, b distributed org, kinds reference",
                "a distributed zone, b distributed zone, kinds reference",
                "a reference, b distributed zone",
                ""
            ],
            "{major}"
        );
        // And back, to before each state.
        while let Some((n, down)) = downs.pop() {
            let text = std::fs::read_to_string(&down).unwrap();
            session.batch_execute(&text).unwrap_or_else(|e| panic!("back from {n} on {major}: {}\n{text}", said(&e)));
            if downs.last().is_none_or(|(other, _)| *other != n) && n > 0 {
                assert_eq!(specc_tests::one_text(&mut session, noted), now[n - 1], "back from {n} on {major}");
            }
        }
    }
}
