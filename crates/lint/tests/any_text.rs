//! Nothing panics, whatever the text, and every place lies in it.

#![allow(clippy::disallowed_methods)]

use proptest::prelude::*;
use specc_diag::RenderOptions;
use specc_lint::{Options, github, json, lint, sarif, text};
use std::path::Path;

fn holds(files: &[(String, String)]) {
    let report = lint(files, &Options { all: true, ..Options::default() });
    for finding in &report.findings {
        for label in &finding.labels {
            let text = &report.sources.file(label.span.file).text;
            assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{:?}", label.span);
        }
    }
    let _ = (text(&report, RenderOptions::default()), json(&report), github(&report), sarif(&report, "0"));
}

/// What statements are made of, so that random texts come near to them.
fn words() -> impl Strategy<Value = String> {
    let parts = [
        "alter table t",
        "create table t (",
        "a int",
        "not null",
        "default f()",
        ",",
        ")",
        "(",
        ";",
        "\n",
        "'x'",
        "\"q\"",
        "add column",
        "add constraint c",
        "check (",
        "not valid",
        "validate constraint c",
        "drop",
        "cascade",
        "type",
        "create policy p on t",
        "using (true)",
        "with check (",
        "auth.uid()",
        "select",
        "from",
        "where",
        "update t set a = 1",
        "delete from t",
        "create index concurrently",
        "if not exists i on t",
        "$$ begin",
        "$$",
        "begin",
        "commit",
        "security definer",
        "create function f(",
        "as",
        "view v",
        "with (security_invoker)",
        "grant all on",
        "to anon",
        "set lock_timeout = '1s'",
        "-- specc: allow L001 x",
        "-- specc: no-transaction",
        "copy t from stdin;",
        "\\.",
        "é",
        ".",
        "alter type e add value 'x'",
        "references u",
        "primary key",
        "generated always as",
        "stored",
        "is not null",
        "and",
        "or",
        "e'\\'",
        "attach partition p",
        "array[",
        "]",
        "::",
        "/*",
        "*/",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 0..40).prop_map(|parts| parts.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn near_sql(one in words(), two in words()) {
        holds(&[("1.sql".into(), one), ("2.sql".into(), two)]);
    }

    #[test]
    fn any_text(text in "\\PC*") {
        holds(&[("1.sql".into(), text)]);
    }

    /// What the rules know, with a part taken out.
    #[test]
    fn broken_cases(which in any::<prop::sample::Index>(), from in any::<prop::sample::Index>(), length in 1..20_usize) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/lint");
        let mut cases: Vec<_> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path().join("bad.sql")).filter(|p| p.is_file()).collect();
        cases.sort();
        let text: Vec<char> = std::fs::read_to_string(which.get(&cases)).unwrap().chars().collect();
        let start = from.index(text.len());
        let kept: String = text[..start].iter().chain(text.iter().skip(start + length)).collect();
        holds(&[("1.sql".into(), kept)]);
    }
}

#[test]
fn deep_and_long_texts_end() {
    let deep = "(".repeat(50_000);
    for start in [
        "create policy p on t using ",
        "alter table t add check ",
        "alter table t add column a int default f",
        "create table t ",
    ] {
        holds(&[("1.sql".into(), format!("{start}{deep}1{}", ")".repeat(50_000)))]);
        holds(&[("1.sql".into(), format!("{start}{deep}"))]);
    }
    holds(&[("1.sql".into(), "alter table t add a int default f();\n".repeat(1_000))]);
    holds(&[("1.sql".into(), "copy t from stdin;\n1\n\\.\n".repeat(100))]);
}
