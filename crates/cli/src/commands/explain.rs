//! `specc explain`

use crate::args::{Explain, Format};
use crate::report::{Failure, data};
use serde_json::{Value, json};
use specc_diag::{Code, nearest};
use specc_lint::{RULES, Rule};
use std::process::ExitCode;

/// Prints one code, or all: those of specs, then those of migrations.
pub fn run(args: &Explain, format: Format) -> Result<ExitCode, Failure> {
    if args.code.as_deref() == Some("access") {
        return super::access::run(args, format);
    }
    if let Some(word) = args.of.first() {
        return Err(Failure::broken(format!(
            "`{word}` after a code means nothing; `specc explain access {word}` does"
        )));
    }
    let Some(name) = &args.code else {
        for code in Code::all() {
            print(format, &of_code(code), || format!("{}  {}", code.name(), code.title()));
        }
        for rule in RULES {
            print(format, &of_rule(rule), || format!("{}   {}", rule.code, rule.title()));
        }
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(rule) = specc_lint::rule(name) {
        print(format, &of_rule(rule), || rule.page());
        return Ok(ExitCode::SUCCESS);
    }
    let code = Code::find(name).ok_or_else(|| {
        let names = Code::all().map(Code::name).chain(RULES.iter().map(|rule| rule.code));
        let hint = nearest(&name.to_uppercase(), names).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
        Failure::broken(format!("no code is called {name}{hint}"))
    })?;
    print(format, &of_code(code), || format!("{}: {}\n\n{}", code.name(), code.title(), code.page()));
    Ok(ExitCode::SUCCESS)
}

fn print(format: Format, value: &Value, text: impl Fn() -> String) {
    match format {
        Format::Json => data(&value.to_string()),
        Format::Text => data(&text()),
    }
}

fn of_code(code: Code) -> Value {
    json!({
        "code": code.name(), "severity": code.severity(), "title": code.title(), "why": code.why(), "page": code.page(),
    })
}

fn of_rule(rule: &Rule) -> Value {
    json!({ "code": rule.code, "severity": rule.level, "title": rule.title(), "why": rule.why(), "page": rule.page() })
}
