//! `specc types`: to stdout, to a file, in a build, and held against a committed file.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::fs;

const NOTES: &str = "enum mood { ok, bad }

entity notes {
  id:    uuid = gen_random_uuid()  key
  title: text
  mood:  mood = 'ok'
  body:  text?

  rls off
}
";

fn project(toml: &str, text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("specc.toml"), format!("name = \"shop\"\n{toml}")).expect("a file");
    fs::write(dir.path().join("notes.dbspec"), text).expect("a file");
    dir
}

#[test]
fn it_writes_to_stdout_and_to_a_file() {
    let dir = project("", NOTES);
    let (code, text, said) = run(dir.path(), &["types"]);
    assert_eq!((code, said.as_str()), (0, ""));
    insta::assert_snapshot!(text);
    let (code, out, _) = run(dir.path(), &["types", "--lang", "typescript", "-o", "database.ts"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(dir.path().join("database.ts")).expect("the file"), text);
}

#[test]
fn a_check_says_what_differs_first() {
    let dir = project("", NOTES);
    run(dir.path(), &["types", "-o", "database.ts"]);
    assert_eq!(run(dir.path(), &["types", "--check", "database.ts"]).0, 0);
    // Layout is no difference.
    let file = dir.path().join("database.ts");
    let text = fs::read_to_string(&file).expect("the file");
    let other = text.replace("\n          ", " ").replace("string\n", "string;\n").replace("// ", "// @generated ");
    assert_ne!(text, other);
    fs::write(&file, other).expect("the file");
    assert_eq!(run(dir.path(), &["types", "--check", "database.ts"]).0, 0);
    fs::write(&file, text).expect("the file");
    fs::write(dir.path().join("notes.dbspec"), NOTES.replace("title: text", "title: text?")).expect("a file");
    let (code, out, said) = run(dir.path(), &["types", "--check", "database.ts"]);
    assert_eq!((code, out.as_str()), (1, ""));
    insta::assert_snapshot!(said);
    let (code, out, _) = run(dir.path(), &["types", "--check", "database.ts", "--format", "json"]);
    assert!(code == 1 && out.contains("\"E0861\""), "{out}");
    let (code, _, said) = run(dir.path(), &["types", "--check", "nothing.ts"]);
    assert!(code == 2 && said.contains("cannot read nothing.ts"), "{said}");
}

#[test]
fn a_build_writes_them_where_the_settings_say() {
    let dir = project("[output]\ntypes = \"src/database.ts\"\n", NOTES);
    let file = dir.path().join("src/database.ts");
    let build = ["build", "--stamp", "20260101000000"];
    assert_eq!(run(dir.path(), &build).0, 0);
    let (_, text, _) = run(dir.path(), &["types"]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);
    // It follows the spec.
    fs::write(dir.path().join("notes.dbspec"), NOTES.replace("title: text", "title: text?")).expect("a file");
    assert_eq!(run(dir.path(), &["build", "--stamp", "20260102000000"]).0, 0);
    assert!(fs::read_to_string(&file).expect("the file").contains("title?: string | null"));
    // Nobody's own file is replaced.
    fs::write(&file, "export type Database = {}\n").expect("a file");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260103000000"]);
    assert!(code == 1 && said.contains("E0909") && said.contains("database.ts"), "{said}");
    fs::write(dir.path().join("specc.toml"), "name = \"shop\"\n[output]\ntypes = \"../database.ts\"\n")
        .expect("a file");
    let (code, _, said) = run(dir.path(), &build);
    assert!(code == 1 && said.contains("E0901"), "{said}");
}

/// Each language to its file, and a document for each role, behind the mark; what is committed is held against the spec.
#[test]
fn a_build_writes_each_language() {
    let rules = NOTES.replace("rls off", "policy {\n    read: allow select  to authenticated\n  }");
    let settings = "[output]\nzod = \"web/schemas.ts\"\nrust = \"src/rows.rs\"\nopenapi = \"api\"\n";
    let dir = project(settings, &rules);
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    let document = ["--lang", "openapi", "--role", "authenticated"];
    let all = [
        (&["--lang", "zod"][..], "web/schemas.ts"),
        (&["--lang", "rust"], "src/rows.rs"),
        (&document, "api/authenticated.json"),
    ];
    for (asked, file) in all {
        let (code, text, said) = run(dir.path(), &[&["types"], asked].concat());
        assert_eq!((code, said.as_str()), (0, ""), "{file}");
        let path = dir.path().join(file);
        assert_eq!(fs::read_to_string(&path).expect("the file").trim_end(), text.trim_end());
        let check = [&["types"], asked, &["--check", file]].concat();
        assert_eq!(run(dir.path(), &check).0, 0, "{file}");
        fs::write(&path, text.replace("body", "corpse")).expect("a file");
        let (code, _, said) = run(dir.path(), &check);
        assert!(code == 1 && said.contains("E0861") && said.contains(&asked.join(" ")), "{file}: {said}");
        // It has the mark still, so that the next build replaces it.
    }
    assert!(!dir.path().join("api/anon.json").exists(), "nothing is granted to it");
    assert_eq!(run(dir.path(), &["build", "--stamp", "20260102000000"]).0, 0);
    assert!(fs::read_to_string(dir.path().join("src/rows.rs")).expect("the file").contains("pub body: Option<String>"));
    fs::write(dir.path().join("api/authenticated.json"), "{}\n").expect("a file");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260103000000"]);
    assert!(code == 1 && said.contains("E0909") && said.contains("authenticated.json"), "{said}");
}

/// What is written by name replaces what is of its own sort, and nothing else that specc wrote.
#[test]
fn a_file_of_another_sort_is_not_replaced() {
    let rules = NOTES.replace("rls off", "policy {\n    read: allow select  to anon, authenticated\n  }");
    let dir = project("", &rules);
    fs::create_dir(dir.path().join("web")).expect("a folder");
    fs::write(dir.path().join("web/a.ts"), "").expect("a file");
    let all: [&[&str]; 8] = [
        &["types"],
        &["types", "--lang", "zod"],
        &["types", "--lang", "rust"],
        &["types", "--lang", "metadata"],
        &["types", "--lang", "openapi", "--role", "anon"],
        &["types", "--lang", "openapi", "--role", "authenticated"],
        &["flows", "web"],
        &["flows", "web", "--format", "json"],
    ];
    let write = |how: &[&str]| run(dir.path(), &[how, &["-o", "file"]].concat());
    let file = dir.path().join("file");
    for (at, first) in all.iter().enumerate() {
        assert_eq!(write(first).0, 0, "{first:?}");
        let there = fs::read(&file).expect("the file");
        for (other, second) in all.iter().enumerate() {
            let (code, out, said) = write(second);
            if at == other {
                assert_eq!(code, 0, "{said}");
            } else {
                assert!(code == 1 && format!("{out}{said}").contains("E0863"), "{first:?}, {second:?}: {out}{said}");
            }
            assert!(there == fs::read(&file).expect("the file"), "{first:?}, {second:?}");
        }
        fs::remove_file(&file).expect("the file");
    }
    // Strict types are of the same sort; so is what a formatter has been over.
    assert_eq!(write(all[0]).0, 0);
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text.replace("\n\n", "\n").replace("| null", "|null")).expect("a file");
    assert_eq!(write(&["types", "--strict"]).0, 0);
    // Neither a migration, a page nor the stored catalog goes.
    assert_eq!(run(dir.path(), &["build", "--stamp", "20260101000000"]).0, 0);
    for path in
        ["supabase/migrations/20260101000000_init_schema.sql", "docs/README.md", "docs/erd.mmd", "specc/catalog.json"]
    {
        let (code, _, said) = run(dir.path(), &["types", "-o", path]);
        assert!(code == 1 && said.contains("E0863"), "{path}: {said}");
        if path.ends_with(".sql") {
            insta::assert_snapshot!(said);
        }
    }
}

#[test]
fn a_role_has_to_be_there() {
    let dir = project("", NOTES);
    let (code, _, said) = run(dir.path(), &["types", "--lang", "openapi", "--role", "service-role"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
    assert_eq!(run(dir.path(), &["types", "--lang", "openapi"]).0, 2);
}

#[test]
fn strict_types_say_what_the_spec_says_more() {
    let text = "
entity people {
  id:   uuid = gen_random_uuid()  key
  name: text
  rls off
}

entity tasks {
  id:       bigint               key
  owner_id  -> people
  after_id  -> tasks?
  state:    text
  priority: int?
  note:     text?

  check state_is_known: state in ('open', 'done')
  check priority_is_known: priority in (1, 2, 3)
  rls off
}

view owners as $$
  select p.id, p.name, count(t.id) as tasks, max(t.note) as last, coalesce(min(t.priority), 0) as least
  from people p left join tasks t on t.owner_id = p.id
  group by p.id, p.name
$$

view open_tasks as $$
  select t.id, t.state, t.note, p.name from tasks t join people p on p.id = t.owner_id where t.note is not null
$$
";
    let dir = project("[types]\nstrict = true\n", text);
    let (code, strict, said) = run(dir.path(), &["types"]);
    assert_eq!(code, 0, "{said}");
    fs::write(dir.path().join("specc.toml"), "name = \"shop\"\n").expect("a file");
    let (_, plain, _) = run(dir.path(), &["types"]);
    assert_eq!(run(dir.path(), &["types", "--strict"]).1, strict);
    let added: Vec<&str> = strict.lines().filter(|line| !plain.lines().any(|other| other == *line)).collect();
    insta::assert_snapshot!(added.join("\n"));
}

/// What the platform has is known, so a view may read it.
#[test]
fn a_view_may_read_what_the_platform_has() {
    let text = "entity profiles {
  id -> auth.users  key
  rls off
}

view people as $$ select p.id, u.email, u.id as account from profiles p join auth.users u on u.id = p.id $$
";
    let dir = project("", text);
    let (code, types, said) = run(dir.path(), &["types"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let (_, people) = types.split_once("people: {").expect("the view");
    let (row, _) = people.split_once("ComputedFields").expect("its row");
    let lines: Vec<_> = row.lines().map(str::trim).filter(|line| line.contains(": ") && !line.contains('{')).collect();
    assert_eq!(lines, ["account: string", "email: string | null", "id: string"]);
}

#[test]
fn a_schema_has_to_be_there() {
    let dir = project("", NOTES);
    let (code, _, said) = run(dir.path(), &["types", "--schema", "publik"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said);
}

/// Names that are words of the language, have quotes in them, or letters of every sort.
#[test]
fn any_name_can_be_written() {
    let names = [
        "class",
        "default",
        "never",
        "a\"\"b",
        "a'b",
        "back\\\\slash",
        "`tick`",
        "${x}",
        "//",
        "/* c",
        "ünïcode",
        "日本",
        "😀",
        "a b",
        "1st",
        "__proto__",
        "constructor",
        "a.b",
        "a:b",
        "a?b",
        "}",
        "{",
        "|",
        "tab\tin",
        "line\nend",
        "\u{2028}",
    ];
    let sql = names.iter().enumerate().map(|(n, name)| {
        let quoted = format!("\"{}\"", name.replace("\\\\", "\\"));
        let label = name.replace('\'', "''").replace("\"\"", "\"").replace("\\\\", "\\");
        format!(
            "create type {quoted} as enum ('{label}'); create table t{n} ({quoted} {quoted} not null); \
             create function f{n} ({quoted} int) returns int language sql as 'select 1';\n"
        )
    });
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("odd.sql"), sql.collect::<String>()).expect("a file");
    let written = |lang: &str| {
        let (code, text, said) =
            run(dir.path(), &["types", "--sql", "odd.sql", "--target", "postgres", "--lang", lang]);
        assert_eq!(code, 0, "{said}");
        for line in text.lines() {
            assert!(line.chars().all(|c| !c.is_control()), "{lang}: {line}");
        }
        text
    };
    written("zod");
    written("rust");
    let text = written("typescript");
    // What was written is read as what was meant: the name is there as a key and as a label, and nothing is open.
    for name in names {
        let own = name.replace("\"\"", "\"").replace("\\\\", "\\");
        let json = serde_json::to_string(&own).expect("a text").replace('\u{2028}', "\\u2028");
        // Single quotes, where there are double ones inside.
        let written = if own.contains('"') { format!("'{}'", own.replace('\\', "\\\\")) } else { json };
        let plain = own.chars().all(|c| c.is_alphanumeric() || c == '_') && !own.starts_with('1');
        let key = if plain { own.clone() } else { written.clone() };
        assert!(text.contains(&format!("{key}: {written}\n")), "{name}: {text}");
        assert!(text.contains(&format!("Args: {{ {key}: number }}")), "{name}: {text}");
    }
}

#[test]
fn shapes_of_json_are_types_where_they_are_asked_for() {
    let spec = "enum theme { light, dark }\n\nentity accounts {\n  id: uuid key\n  settings: jsonb shape { theme: theme, \"fontSize\": int?, \
        tags: text[], home: { city: text, extra: jsonb }? }\n  rls off\n}\n\nview open as $$ select id, settings from public.accounts $$\n";
    let dir = project("", spec);
    let (code, strict, said) = run(dir.path(), &["types", "--strict"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let flat: String = strict.split_whitespace().collect::<Vec<_>>().join(" ");
    let shape = "{ theme: \"light\" | \"dark\" fontSize?: number | null tags: string[] home?: { city: string; extra: Json } | null }";
    // In rows, new rows and changes of the table and of the view.
    assert_eq!(flat.matches(shape).count(), 6, "{strict}");
    // As Supabase's own command says it, unless more is asked for.
    let (_, plain, _) = run(dir.path(), &["types"]);
    assert_eq!(plain.matches("settings: NonNullable<Json>").count(), 3, "{plain}");
}
