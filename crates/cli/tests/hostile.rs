//! Names and texts of others in what specc writes for other programs: psql, who reads results of tests, JavaScript, Rust.

#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use crate::program::run;
use crate::tried::project;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names and texts that end, begin or turn what stands around them: quotes, dollars, commands of psql, format strings, words of
/// results of tests, and lines of their own. `{trap}` is a command of psql that makes a file.
const SPEC: &str = r##"
role "r # TODO ' \ $$ %I"
role "select"
enum "k';--\!" { 'a''\ # SKIP', '$$ ''); drop table public.people; --', 'line
{trap}
x', '%s :name :''x''' }
entity people {
  id   -> auth.users key as account on delete cascade immutable
  "na me # todo \' $$": text
  "__proto__": text
  policy {
    "own # TODO ' \": allow select to authenticated when id = viewer
    "join '": allow insert to authenticated when id = viewer
  }
}
viewer -> people
entity "t'""\ # todo $$ $specc$ 50% off %I :x" {
  id: uuid = gen_random_uuid() key
  "owner ' \ $specc$" -> people
  "c # SKIP ' "" \! %L": text = 'x'
  state: "k';--\!" = '$$ ''); drop table public.people; --'
  "n'": int = 1
  check "h # TODO ' \": "n'" > 0
  check "h　2 # TODO ' \": "c # SKIP ' "" \! %L" <> '
{trap}
$specc$'
  unique ("c # SKIP ' "" \! %L")
  workflow state {
    '$$ ''); drop table public.people; --' -> 'a''\ # SKIP'
    'a''\ # SKIP' -> 'line
{trap}
x' when "c # SKIP ' "" \! %L" = 'a\'
  }
  trigger "100% %s # TODO" before insert when (new."n'" > 100) as $$ begin new."n'" := 0; return new; end $$
  policy {
    "p # TODO": allow select to "r # TODO ' \ $$ %I", "select", authenticated when "c # SKIP ' "" \! %L" = 'x
{trap}
' or "owner ' \ $specc$" = viewer
    "i '": allow insert to authenticated, "select" when "owner ' \ $specc$" = viewer
    "q\": allow update ("c # SKIP ' "" \! %L", state) to authenticated when "owner ' \ $specc$" = viewer
    d: allow delete to "select" when state = 'a''\ # SKIP'
  }
}
entity "T'""\ # todo $$ $specc$ 50% off %I :x" {
  id: int key identity
  "T": text = ''
  limit "l # TODO '": "T" = 'a''$$' to 2
  rls off
}
view "v ' # TODO $$ \!" to authenticated as $q$
  select id, "c # SKIP ' "" \! %L" from public."t'""\ # todo $$ $specc$ 50% off %I :x"
$q$
promise 'p # TODO '' \ $$' on people {
  deny select to anon
}
"##;

/// Whoever runs the tests takes each role.
fn take_roles(above: &mut specc_postgres::Session, major: u32) {
    let set = if major > 15 { " with set true" } else { "" };
    let grant = format!(r#"grant "r # TODO ' \ $$ %I", "select" to postgres{set}"#);
    above.batch_execute(&grant).expect("they are granted");
}

/// Who reads results of tests takes this from a line: whether it failed, and whether that is expected.
fn result(line: &str) -> Option<(bool, bool)> {
    let (failed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix("ok")?),
    };
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '#' => {
                let word = chars.as_str().trim_start().to_ascii_lowercase();
                return Some((failed, word.starts_with("todo") || word.starts_with("skip")));
            }
            _ => {}
        }
    }
    Some((failed, false))
}

/// The lines of results of a file that say that something failed, how many there are, and which of them are expected; by psql with its
/// own commands on.
fn by_psql(major: u32, url: &str, file: &Path, settings: &str) -> (usize, Vec<String>, Vec<String>) {
    let install = specc_postgres::binaries::find(major).expect("an install");
    let mut psql = Command::new(install.program("psql"));
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "x=changed", "-v", "name=changed", "-f"])
        .arg(file);
    let out = psql.arg(url).env("PGOPTIONS", settings).output().expect("psql runs");
    let (said, error) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && error.is_empty(), "{}: {error}", file.display());
    let mut lines = said.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let plan = lines.find(|line| line.starts_with("1..")).expect("a plan").to_owned();
    let results: Vec<_> = lines.filter_map(|line| Some((line.to_owned(), result(line)?))).collect();
    assert_eq!(plan, format!("1..{}", results.len()), "{}: {said}", file.display());
    let of = |is: fn((bool, bool)) -> bool| {
        results.iter().filter(|(_, result)| is(*result)).map(|(line, _)| line.clone()).collect()
    };
    (results.len(), of(|(failed, _)| failed), of(|(_, expected)| expected))
}

#[test]
fn files_of_pgtap_hold_names_and_texts() {
    let outside = tempfile::tempdir().expect("a folder");
    let trap = format!("\\! touch {}", outside.path().join("touched").display());
    let dir = project(&SPEC.replace("{trap}", &trap));
    fs::write(dir.path().join("specc.toml"), "name = \"it's \\\\! $$ # TODO %s\"\n").expect("a file");
    let folder = dir.path().join("supabase/tests");
    let (code, out, said) = run(dir.path(), &["test", "--pgtap", "supabase/tests", "--all"]);
    assert_eq!(code, 0, "{out}{said}");
    // A guard that no made-up row passes, and a limit on rows of one kind.
    let skipped: Vec<&str> = out.lines().filter(|line| line.starts_with("NOT RUN")).collect();
    assert!(skipped.len() <= 2, "{skipped:#?}");
    let files: Vec<_> = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    let mut names: Vec<String> = files.iter().map(|file| file.to_string_lossy().to_lowercase()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    for major in [15, 18] {
        let (db, mut above) = crate::tap::database(dir.path(), major);
        take_roles(&mut above, major);
        let url = db.url("postgres");
        let mut ran = 0;
        for settings in ["", "-c standard_conforming_strings=off"] {
            for file in &files {
                let (count, failed, expected) = by_psql(major, &url, file, settings);
                assert_eq!((failed, expected), (Vec::new(), Vec::new()), "{major} {settings} {}", file.display());
                ran += count;
            }
        }
        assert!(ran > 400, "{ran}");
        // Nothing that a name says makes a failure an expected one.
        let leak =
            r#"revoke all on public."t'""\ # todo $$ $specc$ 50% off %I :x" from authenticated, "r # TODO ' \ $$ %I""#;
        db.connect().expect("a session").batch_execute(leak).expect("it is revoked");
        let all: Vec<_> = files.iter().map(|file| by_psql(major, &url, file, "")).collect();
        let failed: usize = all.iter().map(|(_, failed, _)| failed.len()).sum();
        let expected: Vec<&String> = all.iter().flat_map(|(_, _, expected)| expected).collect();
        assert!(failed > 20 && expected.is_empty(), "{failed} {expected:#?}");
    }
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0, "a text ran as a command of psql");
}

/// The blocks of a language in the pages of a folder.
fn blocks(folder: &Path, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let path = entry.expect("an entry").into_path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a page");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let fence = &line[..line.len() - line.trim_start_matches('`').len()];
            if fence.len() < 3 {
                continue;
            }
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != fence).collect();
            if &line[fence.len()..] == language {
                found.push(code.join("\n"));
            }
        }
    }
    found
}

/// Runs blocks of JavaScript with a client that notes what is asked of it: the name of each call, its texts, and names and values of
/// its objects.
const CLIENT: &str = r#"
import { readFileSync } from 'node:fs'
const noted = []
const note = (value) => (value && typeof value === 'object' ? Object.getOwnPropertyNames(value).map((key) => [key, value[key]]) : value)
const client = new Proxy({}, {
  get: (_, name) => name === 'then' ? undefined : (...args) => (noted.push([name, args.map(note)]), client),
})
for (const code of JSON.parse(readFileSync(0, 'utf8'))) await new Function('supabase', `return (async () => {\n${code}\n})()`)(client)
console.log(JSON.stringify(noted))
"#;

/// A program that is not on every machine, with what it reads; none where it is not there.
fn asked(program: &str, args: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("{program} is not there, so what it reads is not looked at");
        return None;
    };
    child.stdin.take().expect("an input").write_all(input.as_bytes()).expect("it reads");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success(), "{program}: {}\n{input}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8(out.stdout).expect("UTF-8"))
}

#[test]
fn code_in_guides_and_types_holds_names_and_texts() {
    let outside = tempfile::tempdir().expect("a folder");
    let trap = format!("\\! touch {}", outside.path().join("touched").display());
    let dir = project(&SPEC.replace("{trap}", &trap));
    let config = "name = \"it's \\\\! $$ ``` */ # TODO %s\"\n[output]\nguides = \"docs/guides\"\nrust = \"database.rs\"\n\
                  metadata = \"metadata.json\"\nopenapi = \"api\"\n";
    fs::write(dir.path().join("specc.toml"), config).expect("a file");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    let guides = dir.path().join("docs/guides");

    // Names in calls are those of the spec, as own names of objects too.
    let requests = blocks(&guides.join("api"), "ts");
    assert!(requests.len() > 6, "{requests:#?}");
    let input = serde_json::to_string(&requests).expect("JSON");
    if let Some(noted) = asked("node", &["--input-type=module", "--eval", CLIENT], &input) {
        let noted: serde_json::Value = serde_json::from_str(&noted).expect("JSON");
        let spec = SPEC.replace("\"\"", "\"").replace("''", "'");
        let mut names = Vec::new();
        for call in noted.as_array().expect("a list") {
            match (call[0].as_str(), &call[1]) {
                (Some("from" | "eq"), args) => names.push(args[0].as_str().expect("a name").to_owned()),
                (Some("insert" | "update"), args) => {
                    let pairs = args[0].as_array().expect("names and values");
                    names.extend(pairs.iter().map(|pair| pair[0].as_str().expect("a name").to_owned()));
                }
                _ => {}
            }
        }
        assert!(names.iter().all(|name| spec.contains(name.as_str())), "{names:#?}");
        for name in ["__proto__", "c # SKIP ' \" \\! %L", "na me # todo \\' $$"] {
            assert!(names.iter().any(|found| found == name), "{name} is not in {names:#?}");
        }
    }

    // Of Rust, each item is one that specc writes.
    let code = fs::read_to_string(dir.path().join("database.rs")).expect("a file");
    let mut all = blocks(&guides, "rust");
    assert_eq!(all.len(), 1);
    all.push(code);
    for code in all {
        let Some(laid_out) = asked("rustfmt", &["--edition", "2024"], &code) else { break };
        let known = ["//", "#[", "pub ", "}", " ", "use ", "impl", "fn ", "where"];
        let odd: Vec<&str> = laid_out
            .lines()
            .filter(|line| !line.is_empty() && !known.iter().any(|begin| line.starts_with(begin)))
            .collect();
        assert!(odd.is_empty(), "{odd:#?}");
    }

    // What is JSON is JSON, with every name of a column in it.
    for file in ["metadata.json", "api/authenticated.json"] {
        let text = fs::read_to_string(dir.path().join(file)).expect("a file");
        let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for name in ["__proto__", "c # SKIP ' \" \\! %L", "na me # todo \\' $$"] {
            let quoted = serde_json::to_string(name).expect("JSON");
            assert!(found.to_string().contains(&quoted), "{file} has no {name}");
        }
    }

    // SQL of the guides is read as it stands, by psql too.
    for major in [15, 18] {
        let db = specc_postgres::shared(major).platform_database().expect("a database");
        let (code, _, said) = run(dir.path(), &["apply", "--database-url", &db.url("postgres")]);
        assert_eq!(code, 0, "{said}");
        let mut above = db.connect_superuser().expect("a session");
        take_roles(&mut above, major);
        let sql = blocks(&guides, "sql");
        assert!(sql.len() > 10, "{sql:#?}");
        let install = specc_postgres::binaries::find(major).expect("an install");
        for block in sql {
            let file = dir.path().join("block.sql");
            fs::write(&file, &block).expect("a file");
            let mut psql = Command::new(install.program("psql"));
            psql.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate", "-v", "x=changed", "-f"]);
            let out = psql.arg(&file).arg(db.url("postgres")).output().expect("psql runs");
            let error = String::from_utf8_lossy(&out.stderr);
            // What a row is refused for is another thing: neither names nor texts are taken for something else.
            let wrong = ["42601", "42703", "42P01", "42883", "42704", "invalid command", "unterminated"];
            assert!(!wrong.iter().any(|state| error.contains(state)), "{major}: {error}\n{block}");
        }
        let there = above.query_one("select to_regclass('public.people') is not null", &[]).expect("a row");
        assert!(there.get::<_, bool>(0));
    }
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0, "a text ran as a command of psql");
}
