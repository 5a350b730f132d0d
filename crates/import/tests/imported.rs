//! What other tools' schemas become, held against the database that the tool itself makes of them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use proptest::prelude::*;
use specc_catalog::Hints;
use specc_import::{Imported, Tool, import};
use specc_verify::Scratch;
use std::path::PathBuf;

const SCHEMAS: [(Tool, &str, &str); 5] = [
    (Tool::Prisma, "shop.prisma", "shop.sql"),
    (Tool::Prisma, "saas.prisma", "saas.sql"),
    (Tool::Prisma, "clinic.prisma", "clinic.sql"),
    (Tool::Dbml, "library.dbml", "library.sql"),
    (Tool::Drizzle, "office.drizzle.json", "office.sql"),
];

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/import").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn read(tool: Tool, name: &str) -> Imported {
    import(tool, &fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_database_is_what_the_tool_itself_makes() {
    for major in [15, 18] {
        for (tool, schema, sql) in SCHEMAS {
            let scratch = Scratch::start(Some(major), false).unwrap();
            assert_eq!(scratch.major(), major);
            let ours =
                scratch.canonical(&read(tool, schema).catalog).unwrap_or_else(|error| panic!("{schema}: {error}"));
            let theirs = scratch.load_dump(&specc_split::dump(&fixture(sql))).unwrap();
            assert!(theirs.catalog.len() > 20, "{sql}");
            let hints = Hints::default();
            let difference = specc_diff::diff(&theirs.catalog, &ours.catalog, &hints);
            let lines: Vec<String> = specc_diff::lines(&difference).iter().map(ToString::to_string).collect();
            assert!(lines.is_empty(), "{schema} on {major}:\n{}", lines.join("\n"));
        }
    }
}

#[test]
fn what_a_database_does_not_have_is_said() {
    let mut out = String::new();
    for (tool, schema, _) in SCHEMAS {
        out += &format!("{schema}\n");
        for left in read(tool, schema).left_out {
            out += &format!("  {}: {}\n", left.what, left.why);
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_cannot_be_read_has_a_line_and_a_reason() {
    let deep = format!("model A {{\n  id Int @id @default({}1{})\n}}", "[".repeat(100_000), "]".repeat(100_000));
    let braces = format!("Project p {}{}", "{".repeat(100_000), "}".repeat(100_000));
    let cases: &[(Tool, &str)] = &[
        (Tool::Prisma, "datasource db {\n  provider = \"mysql\"\n}\n"),
        (Tool::Prisma, "model A {\n  id Int @id\n  b Missing\n}\n"),
        (Tool::Prisma, "model A {\n  id Int @id\n  @@index([gone])\n}\n"),
        (
            Tool::Prisma,
            "model A {\n  id Int @id\n  b B @relation(fields: [bId], references: [id])\n}\nmodel B {\n  id Int @id\n}\n",
        ),
        (Tool::Prisma, "model A {\n  id Int @id\n  what is this\n}\n"),
        (Tool::Prisma, &deep),
        (Tool::Dbml, "Table a {\n  id int [pk\n}\n"),
        (Tool::Dbml, "Table a {\n  id int [ref: > b.id]\n}\n"),
        (Tool::Dbml, "Table a {\n  id int\n}\nRef: a.gone > a.id\n"),
        (Tool::Dbml, "Table a {\n  ~gone\n  id int\n}\n"),
        (Tool::Dbml, &braces),
        (Tool::Drizzle, "{}"),
        (Tool::Drizzle, "{\"version\": \"5\", \"dialect\": \"pg\"}"),
        (Tool::Drizzle, "{\"version\": \"7\", \"dialect\": \"postgresql\", \"tables\": {\"a\": {\"name\": 1}}}"),
    ];
    let mut out = String::new();
    for (tool, text) in cases {
        let error = import(*tool, text).expect_err(text);
        out += &format!("{tool:?} {error}\n");
    }
    insta::assert_snapshot!(out);
}

/// A name that is a type, a keyword or in other letters is the same name in the database.
#[test]
fn names_are_kept_as_they_are() {
    let prisma = "model User {\n  id Int @id\n  text String @unique\n  user Int @map(\"o\\\"dd\")\n  tabla Int @map(\"año\")\n  @@map(\"select\")\n}\n";
    let dbml = "Table \"select\" {\n  id int [pk]\n  text text [unique]\n  \"o dd\" int\n  año int\n}\n";
    let scratch = Scratch::start(None, false).unwrap();
    for (tool, text) in [(Tool::Prisma, prisma), (Tool::Dbml, dbml)] {
        let found = scratch.canonical(&import(tool, text).unwrap().catalog).unwrap().catalog;
        let table = found.iter().find_map(|(_, entry)| match &entry.object {
            specc_catalog::Object::Table(table) => Some(table.clone()),
            _ => None,
        });
        let table = table.unwrap();
        assert_eq!(table.table.name, "select");
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert!(names.contains(&"text") && names.contains(&"año"), "{names:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in a file, it is read or refused.
    #[test]
    fn nothing_panics(which in 0..SCHEMAS.len(), from in 0..9000usize, length in 0..40usize, with in "[\\PC\n\"'`{}\\[\\]()@:,.<>-]{0,6}") {
        let (tool, name, _) = SCHEMAS[which];
        let text: Vec<char> = fixture(name).chars().collect();
        let from = from % text.len();
        let to = (from + length).min(text.len());
        let changed: String = text[..from].iter().copied().chain(with.chars()).chain(text[to..].iter().copied()).collect();
        let _ = import(tool, &changed);
    }
}
