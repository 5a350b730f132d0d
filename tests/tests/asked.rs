//! What is said of a body is what Postgres says of it: each case of `tests/bodies/asked` is checked, and made and called
//! on both servers.
//!
//! `ASKED=file cargo test -p specc-tests --test all asked::` does so with the cases of any file.

#![allow(clippy::disallowed_methods)]

use specc_diag::{Severity, Sources, has_errors};
use specc_model::Options;
use specc_postgres::Session;
use specc_tests::{Rows, VERSIONS, project};
use std::fmt::Write as _;

/// What the functions of the cases are about.
fn base() -> String {
    format!("{}\n{}", include_str!("../bodies/base.dbspec"), include_str!("../bodies/asked/base.dbspec"))
}

struct Case {
    title: String,
    /// The code and the text under it, where it is refused.
    wrong: Option<(String, String)>,
    /// The servers that are asked.
    versions: Vec<u32>,
    /// The name of the language, and the function from its parameters up to before its body.
    language: &'static str,
    head: String,
    body: String,
}

/// `sql` and `pl` stand for the language; parameters and what is given back may follow: `pl(a: int) -> text: begin … end`.
fn cases(text: &str) -> Vec<Case> {
    let read = |part: &str| {
        let (title, body) = part.split_once('\n')?;
        let words: Vec<&str> = title.splitn(3, '|').map(str::trim).collect();
        let (language, rest) = match body.strip_prefix("pl") {
            Some(rest) => ("plpgsql", rest),
            None => ("sql", body.strip_prefix("sql")?),
        };
        let (params, rest) = match rest.find(')').filter(|_| rest.starts_with('(')) {
            Some(end) => rest.split_at(end + 1),
            None => ("()", rest),
        };
        let (returns, body) = rest.split_once(": ")?;
        let returns = if returns.is_empty() { " -> void" } else { returns };
        let (head, body) = (format!("{params}{returns}"), body.trim_end());
        let versions = if words[0].starts_with("18: ") { vec![18] } else { VERSIONS.to_vec() };
        let wrong = words.get(1).map(|code| ((*code).to_owned(), words.get(2).unwrap_or(&"").to_string()));
        Some(Case { title: words[0].into(), wrong, versions, language, head, body: body.to_owned() })
    };
    let text = format!("\n{text}");
    text.split("\n= ").skip(1).map(|part| read(part).unwrap_or_else(|| panic!("not a case: {part}"))).collect()
}

/// Code, text under it and message of each error.
fn said(case: &Case) -> Vec<(String, String, String)> {
    let mut sources = Sources::new();
    let text = format!("{}\nfunction f{} language {} as $$ {} $$", base(), case.head, case.language, case.body);
    let id = sources.add("case.dbspec", text.as_str());
    let (file, mut found) = specc_syntax::parse(id, &text);
    let (model, more) = specc_model::analyze(vec![file], &mut sources, Options::default());
    found.extend(more);
    if !has_errors(&found) {
        found.extend(specc_lower::lower(&model).1);
    }
    let shown = |span: specc_diag::Span| text[span.start as usize..span.end as usize].to_owned();
    let errors = found.iter().filter(|d| d.severity() == Severity::Error);
    errors.map(|d| (d.code.name().to_owned(), shown(d.span()), d.message.to_string())).collect()
}

/// What a server says when it makes the function and calls it with nulls; everything is undone.
fn told(session: &mut Session, case: &Case) -> Option<String> {
    let (params, returns) = case.head.split_once("->").expect("what it gives back");
    let count = if params.trim() == "()" { 0 } else { params.matches(": ").count() };
    let nulls = vec!["null"; count].join(", ");
    let table = |text: &str| text.replace(": ", " ");
    let (params, returns) = (table(params), table(returns));
    let sql = format!(
        "create function public.asked{params} returns {returns} language {} as $asked$ {} $asked$;
         select * from public.asked({nulls});",
        case.language, case.body
    );
    let mut transaction = session.transaction().expect("a transaction");
    let result = transaction.batch_execute(&sql).err();
    let told = result.map(|error| error.as_db_error().map_or_else(|| error.to_string(), |e| e.message().to_owned()));
    transaction.rollback().expect("undone");
    told
}

fn all() -> Vec<Case> {
    if let Ok(file) = std::env::var("ASKED") {
        return cases(&std::fs::read_to_string(file).expect("a file"));
    }
    let texts = [include_str!("../bodies/asked/accepted.txt"), include_str!("../bodies/asked/refused.txt")];
    texts.into_iter().flat_map(cases).collect()
}

#[test]
fn what_is_said_is_what_postgres_says() {
    let built = project(&base());
    let all = all();
    let mut failed = String::new();
    for case in &all {
        let said = said(case);
        let fits = match &case.wrong {
            Some((code, under)) => matches!(&said[..], [(c, u, _)] if c == code && u == under),
            None => said.is_empty(),
        };
        if !fits {
            writeln!(failed, "{}: {said:?}", case.title).unwrap();
        }
    }
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut session = db.connect().expect("a session");
        for case in all.iter().filter(|case| case.versions.contains(&major)) {
            let told = told(&mut session, case);
            if told.is_some() != case.wrong.is_some() {
                writeln!(failed, "{}: Postgres {major} says {told:?}", case.title).unwrap();
            }
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
