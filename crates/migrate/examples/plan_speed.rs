//! Times the way from a catalog to files: `cargo run --release -p specc-migrate --example plan_speed [TABLES]`.
//!
//! The catalog is made up: for each table eight columns, a key, two references, a check, two indexes, a trigger, two
//! policies and two grants.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{
    Action, Body, Catalog, Column, Command, Constraint, DataType, Dependency, Entry, ForeignKey, Function, Grant,
    Hints, Index, IndexKey, Kind, Object, ObjectId, Policy, Privilege, Returns, Rls, Rule, SqlExpr, Table, TableName,
    Timing, Trigger, Volatility,
};
use specc_migrate::{Consent, Layout, MigrationInput, migration_files, plan_create};
use std::time::Instant;

fn main() {
    let tables = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(5000);
    let catalog = catalog(tables);
    println!("{tables} tables, {} objects", catalog.len());
    let Ok(stamp) = "20260101000000".parse() else { return };
    let layout = Layout::supabase();
    let input = MigrationInput {
        project: "speed",
        name: "initial",
        catalog: &catalog,
        previous: None,
        stamp,
        layout: &layout,
        recorded: &[],
        hints: &Hints::default(),
        access: None,
        consent: Consent::default(),
    };
    time("order of creation", || specc_catalog::order(&catalog).is_ok());
    time("plan", || plan_create(&catalog).is_ok());
    let text = time("to JSON", || specc_catalog::to_json(&catalog));
    time("checksum of JSON", || specc_catalog::checksum(&text));
    let files = time("files", || migration_files(&input).unwrap_or_default());
    for file in files {
        println!("{:>12} bytes  {}", file.contents.len(), file.path);
    }
    time("from JSON", || specc_catalog::from_json(&text).map_or(0, |catalog| catalog.len()));
}

/// The best and the average of a few runs. Where the system tells it, the average is of processor time: the machine may
/// be busy with other things.
fn time<T>(what: &str, run: impl Fn() -> T) -> T {
    const RUNS: u32 = 20;
    let mut best = f64::INFINITY;
    let mut once = || {
        let start = Instant::now();
        let value = std::hint::black_box(run());
        best = best.min(start.elapsed().as_secs_f64() * 1000.0);
        value
    };
    let before = processor_time();
    for _ in 1..RUNS {
        once();
    }
    let value = once();
    let average = before.zip(processor_time()).map_or(f64::NAN, |(a, b)| (b - a) / f64::from(RUNS));
    println!("{best:12.2} ms best  {average:12.2} ms of processor time     {what}");
    value
}

/// Of this process so far, in milliseconds.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<f64> = text.rsplit(')').next()?.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // After the state, which is no number: the 11th and 12th, in hundredths of a second.
    Some((fields.get(10)? + fields.get(11)?) * 10.0)
}

fn add(catalog: &mut Catalog, object: impl Into<Object>) {
    catalog.insert(Entry::new(object));
}

fn column(name: &str, ty: &str, default: Option<&str>) -> Column {
    Column { default: default.map(SqlExpr::new), ..Column::new(name, DataType::builtin(ty)) }
}

fn catalog(tables: usize) -> Catalog {
    let mut catalog = Catalog::new();
    catalog.default_grantees.objects = ["anon", "authenticated", "service_role"].map(SmolStr::new).to_vec();
    add(&mut catalog, touch());
    for n in 0..tables {
        one(&mut catalog, n);
    }
    catalog
}

fn touch() -> Function {
    Function {
        schema: "public".into(),
        name: "touch".into(),
        procedure: false,
        params: Vec::new(),
        returns: Some(Returns::Type(DataType::builtin("trigger"))),
        language: "plpgsql".into(),
        body: Body::Text("begin\n  new.updated_at := now();\n  return new;\nend".into()),
        volatility: Volatility::Volatile,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: false,
        cost: None,
        rows: None,
        settings: vec![("search_path".into(), "".into())],
    }
}

fn one(catalog: &mut Catalog, n: usize) {
    let name = |n: usize| TableName::new("public", format_smolstr!("customer_records_{n}"));
    let table = name(n);
    let base = &table.name;
    add(
        catalog,
        Table {
            table: table.clone(),
            columns: vec![
                column("id", "uuid", Some("gen_random_uuid()")),
                column("owner_id", "uuid", None),
                column("parent_id", "uuid", None),
                column("title", "text", None),
                column("description", "text", Some("''")),
                column("amount", "numeric", Some("0")),
                column("created_at", "timestamptz", Some("now()")),
                column("updated_at", "timestamptz", Some("now()")),
            ],
            unlogged: false,
            partition_by: None,
            partition_of: None,
            rls: Rls::On,
            options: Default::default(),
            replica_identity: None,
            inherits: Vec::new(),
        },
    );
    let constraint = |name: SmolStr, rule| Constraint {
        table: table.clone(),
        name,
        rule,
        deferrable: false,
        initially_deferred: false,
        not_valid: false,
    };
    let key = Rule::PrimaryKey { columns: vec!["id".into()], include: Vec::new() };
    add(catalog, constraint(format_smolstr!("{base}_pkey"), key));
    for (column, target) in [("owner_id", n / 2), ("parent_id", n * 7 % (n + 20))] {
        let rule = Rule::ForeignKey(ForeignKey {
            columns: vec![column.into()],
            target: name(target.min(n + 1)),
            target_columns: vec!["id".into()],
            on_delete: Action::Cascade,
            on_delete_columns: Vec::new(),
            on_update: Action::NoAction,
            match_full: false,
        });
        add(catalog, constraint(format_smolstr!("{base}_{column}_fkey"), rule));
        add(
            catalog,
            Index {
                table: table.clone(),
                name: format_smolstr!("{base}_{column}_idx"),
                unique: false,
                method: "btree".into(),
                keys: vec![IndexKey::column(column)],
                include: Vec::new(),
                filter: None,
                options: Default::default(),
                nulls_not_distinct: false,
            },
        );
    }
    let check = Rule::Check { expr: SqlExpr::new("amount >= 0"), no_inherit: false };
    add(catalog, constraint("amount_is_not_negative".into(), check));
    add(
        catalog,
        Trigger {
            table: table.clone(),
            name: "touch".into(),
            timing: Timing::Before,
            events: vec![("update".into(), Vec::new())],
            per_row: true,
            old_table: None,
            new_table: None,
            when: None,
            function: specc_catalog::Qualified::new("public", "touch"),
            args: Vec::new(),
            constraint: false,
            initially_deferred: false,
            enabled: SmolStr::default(),
        },
    );
    for (name, command) in [("owners_read", Command::Select), ("owners_change", Command::Update)] {
        let mine = SqlExpr::new("owner_id = (select auth.uid())");
        catalog.insert(Entry {
            depends: vec![Dependency::new(table.id(), "its condition reads this")],
            ..Entry::new(Policy {
                table: table.clone(),
                name: name.into(),
                permissive: true,
                command,
                roles: vec!["authenticated".into()],
                using: Some(mine.clone()),
                check: (command == Command::Update).then_some(mine),
            })
        });
    }
    for to in ["authenticated", "service_role"] {
        let privilege = |name: &str| Privilege { name: name.into(), columns: Vec::new(), grantable: false };
        let privileges = vec![privilege("select"), privilege("update")];
        let on = ObjectId::new(Kind::Table, table.schema.clone(), table.name.clone());
        add(catalog, Grant { on, to: to.into(), privileges });
    }
}
