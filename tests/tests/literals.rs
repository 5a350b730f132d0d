//! A literal is a value: whatever stands in it and however it is spelled, Postgres evaluates what the author wrote, in
//! every position where a literal can stand.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, project, texts};

/// What has broken printers before.
const KNOWN: &[&str] = &[
    "a''b",
    "''",
    "'",
    "\\",
    "\\'",
    "'\\''; drop table public.canary; --",
    "^\\'[A-Z]+\\'$",
    "$$; drop table public.canary; --",
    "/* */ -- x",
    "A Mixed Case",
    "é\u{1F600}",
    "E'x'",
    "%s %% :name ${x}",
    "line\nbreak\ttab",
];

/// The ways to write `value`.
fn spellings(value: &str) -> Vec<String> {
    let plain = format!("'{}'", value.replace('\'', "''"));
    let escaped = value.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
    let unicode: String = value
        .chars()
        .map(|c| match c {
            '\\' => "\\\\".to_string(),
            '\'' => "''".to_string(),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\+{:06X}", u32::from(c)),
        })
        .collect();
    let mut all = vec![plain, format!("E'{escaped}'"), format!("U&'{unicode}'")];
    if !value.contains("$q$") && !value.ends_with('$') {
        all.push(format!("$q${value}$q$"));
    }
    all
}

fn values() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let random = string_regex("[a-zA-Zé'\\\\\"$;%{}\\n -]{1,16}").expect("a pattern");
    let drawn = (0..24).map(|_| random.new_tree(&mut runner).expect("a text").current());
    KNOWN.iter().map(|text| text.to_string()).chain(drawn).collect()
}

fn entity(at: usize, literal: &str) -> String {
    format!(
        "entity t{at} {{
  id: int identity  key
  c: text = {literal}
  g: text generated (replace(c, {literal}, 'x'))
  n: int = 0

  check differs: n = 0 or c <> {literal}
  index (n) where c = {literal}

  policy {{
    by_value:  allow select  when c = {literal}
    by_query:  allow update  when exists (select 1 from canary k where k.c = {literal} and k.n = this.n)
    by_name:   allow delete  when is_{at}(this)
  }}
}}
predicate is_{at}(r: t{at}) = r.c = {literal} or r.c in ({literal}, 'other')
seed base {{ t{at} row{at} {{ c: {literal}, n: 0 }} }}
"
    )
}

#[test]
fn every_literal_is_its_value_everywhere() {
    let mut spec = String::from("entity canary {\n  c: text  key\n  n: int = 0\n}\n");
    let mut rows = Vec::new();
    for value in values() {
        for literal in spellings(&value) {
            spec.push_str(&entity(rows.len(), &literal));
            rows.push((value.clone(), literal));
        }
    }
    let built = project(&spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "the canary lives", "select from public.canary");
        for (at, (value, literal)) in rows.iter().enumerate() {
            let shown = format!("'{}'::text", value.replace('\'', "''"));
            let seeded = texts(&mut owner, &format!("select c from public.t{at}"));
            assert_eq!(seeded, [value.as_str()], "{literal} in a seed");
            let made = format!("insert into public.t{at} default values returning c");
            assert_eq!(texts(&mut owner, &made), [value.as_str()], "{literal} as a default");
            let generated = texts(&mut owner, &format!("select g from public.t{at} limit 1"));
            assert_eq!(generated, ["x"], "{literal} in a generated column");
            let expressions = texts(
                &mut owner,
                &format!(
                    "select pg_get_expr(indpred, indrelid) from pg_index
                       where indrelid = 'public.t{at}'::regclass and indpred is not null
                     union all select pg_get_expr(conbin, conrelid) from pg_constraint
                       where conrelid = 'public.t{at}'::regclass and contype = 'c'
                     union all select pg_get_expr(coalesce(polqual, polwithcheck), polrelid) from pg_policy
                       where polrelid = 'public.t{at}'::regclass"
                ),
            );
            assert_eq!(expressions.len(), 5, "{literal}: an index, a check and three policies");
            for expression in &expressions {
                assert!(expression.contains(&shown), "{literal} became {expression} on {major}");
            }
        }
    }
}
