//! `specc explain`

use crate::args::{Explain, Format};
use crate::report::{Failure, data};
use specc_diag::{Code, nearest};
use std::process::ExitCode;

/// Prints one code, or all.
pub fn run(args: &Explain, format: Format) -> Result<ExitCode, Failure> {
    let codes: Vec<Code> = match &args.code {
        None => Code::all().collect(),
        Some(name) => vec![Code::find(name).ok_or_else(|| {
            let near = nearest(&name.to_uppercase(), Code::all().map(Code::name));
            let hint = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            Failure::broken(format!("no code is called {name}{hint}"))
        })?],
    };
    let one = args.code.is_some();
    for code in codes {
        let info = code.info();
        data(&match (format, one) {
            (Format::Json, _) => {
                serde_json::json!({ "code": info.name, "severity": code.severity(), "title": info.title, "why": info.why })
                    .to_string()
            }
            (Format::Text, true) => format!("{}: {}\n\n{}", info.name, info.title, info.why),
            (Format::Text, false) => format!("{}  {}", info.name, info.title),
        });
    }
    Ok(ExitCode::SUCCESS)
}
