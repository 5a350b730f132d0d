//! `specc why`

use crate::args::{Format, Why};
use crate::pipeline::{self, Compilation};
use crate::project::Project;
use crate::report::{BROKEN, FINDINGS, Failure, data, say};
use serde_json::{Value, json};
use specc_diag::{FileId, Sources, Span, nearest, position};
use specc_model::{EntityId, Model, RuleAction, effective};
use specc_prove::{Answer, Asking, Case, Change, Opened, name};
use std::process::ExitCode;

/// Answers one question about access.
pub fn run(args: &Why, format: Format) -> Result<ExitCode, Failure> {
    // 1 says no, so what is wrong with the question or the spec is 2.
    Ok(answered(args, format).unwrap_or_else(|failure| {
        failure.report(format);
        ExitCode::from(BROKEN)
    }))
}

fn answered(args: &Why, format: Format) -> Result<ExitCode, Failure> {
    let mut compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let asking = asking(args, &mut compilation)?;
    let (model, sources) = (&compilation.model, &compilation.sources);
    if let Some(row) = &args.row {
        return super::live::run(args, row, &asking, model, sources, format);
    }
    if args.connection.is_given() {
        return Err(Failure::broken(
            "a database is asked about a row: say which with `--row KEY`, and for whom with `--as USER`",
        ));
    }
    let own = |file: FileId| {
        let name = &sources.file(file).name;
        !name.starts_with("std/") && !name.starts_with("platform/")
    };
    let why = specc_prove::why(model, &asking, own);
    match format {
        Format::Json => data(&as_json(&asking, &why, model, sources).to_string()),
        Format::Text => as_text(&asking, &why, model, sources).iter().for_each(|line| say(line)),
    }
    Ok(match why.answer {
        Answer::Always | Answer::Sometimes => ExitCode::SUCCESS,
        Answer::Never | Answer::NoRow => ExitCode::from(FINDINGS),
        Answer::Unknown(_) => ExitCode::from(BROKEN),
    })
}

/// The question, with every name found.
fn asking(args: &Why, compilation: &mut Compilation) -> Result<Asking, Failure> {
    let model = &compilation.model;
    let role = role(model, &args.role)?;
    let entity = entity(model, &args.entity)?;
    let (word, columns) = match args.action.split_once('(') {
        Some((word, columns)) => (word.trim(), columns.trim().strip_suffix(')').unwrap_or(columns)),
        None => (args.action.trim(), ""),
    };
    let commands = [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete];
    let Some(command) = commands.into_iter().find(|command| command.word() == word) else {
        let hint = hint(word, commands.iter().map(|command| command.word()));
        return Err(Failure::broken(format!("`{word}` is none of select, insert, update, delete{hint}")));
    };
    let mut fields = Vec::new();
    for column in columns.split(',').map(str::trim).filter(|column| !column.is_empty()) {
        match model.field(entity, column) {
            Some(field) => fields.push(field),
            None => {
                let of = model.entity(entity);
                let hint = hint(column, of.fields.iter().map(|field| field.name.as_str()));
                return Err(Failure::broken(format!("`{}` has no column `{column}`{hint}", of.name.name)));
            }
        }
    }
    if command == RuleAction::Delete && !fields.is_empty() {
        return Err(Failure::broken("a delete removes whole rows, so it takes no columns"));
    }
    let mut condition = None;
    if let Some(text) = &args.condition {
        let text = text.trim();
        let file = compilation.sources.add("condition", text);
        let at = Span::new(file, 0, text.len());
        match specc_model::condition(&compilation.model, entity, text, at) {
            Ok(expr) => condition = Some(expr),
            Err(found) => return Err(Failure::Findings(found, std::mem::take(&mut compilation.sources))),
        }
    }
    Ok(Asking { role, command, entity, columns: fields, condition })
}

fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A role of the spec, or of the platform.
pub fn role(model: &Model, name: &str) -> Result<smol_str::SmolStr, Failure> {
    let known = effective::known_roles(model);
    if known.iter().any(|role| role == name) {
        return Ok(name.into());
    }
    let hint = hint(name, known.iter().map(smol_str::SmolStr::as_str));
    Err(Failure::broken(format!("no rule, grant or role names `{name}`{hint}")))
}

/// An entity by its name, with its schema where that is not the default one.
pub fn entity(model: &Model, name: &str) -> Result<EntityId, Failure> {
    let (schema, short) = name.split_once('.').unwrap_or((&model.options.default_schema, name));
    let found = model.entities.iter().find(|entity| entity.name.schema == schema && entity.name.name == short);
    found.map(|entity| entity.id).ok_or_else(|| {
        let hint = hint(short, model.entities.iter().map(|entity| entity.name.name.as_str()));
        Failure::broken(format!("no entity is called `{name}`{hint}"))
    })
}

/// `file:line`
pub fn place(sources: &Sources, span: Span) -> String {
    format!("{}:{}", sources.file(span.file).name, position(sources, span).0)
}

/// An answer in a word.
pub fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Always => "always",
        Answer::Sometimes => "sometimes",
        Answer::Never => "never",
        Answer::NoRow => "never",
        Answer::Unknown(_) => "unknown",
    }
}

fn as_text(asking: &Asking, why: &specc_prove::Why, model: &Model, sources: &Sources) -> Vec<String> {
    let entity = model.entity(asking.entity);
    let columns: Vec<String> = asking.columns.iter().map(|field| format!("`{}`", entity.fields[*field].name)).collect();
    let of = if columns.is_empty() { String::new() } else { format!("{} of ", columns.join(", ")) };
    let when = asking.condition.as_ref().map(|expr| format!(" for which `{}`", expr.text)).unwrap_or_default();
    let (role, does) = (&asking.role, asking.command.word());
    let mut lines =
        vec![format!("{}: `{role}` may {does} {of}rows of `{}`{when}", word(&why.answer), name(model, asking.entity))];
    if !why.complete {
        lines.push("  in databases as large as were looked at: whether in larger ones is not known".into());
    }
    let unknown = match &why.answer {
        Answer::Unknown(spans) => spans,
        _ => &why.open,
    };
    if why.answer == Answer::Unknown(Vec::new()) {
        lines.push(format!("  not known: {}", specc_prove::TOO_LARGE));
    }
    for span in unknown {
        lines.push(format!("  not known: it depends on `{}` ({})", sources.text(*span), place(sources, *span)));
    }
    for reason in &why.reasons {
        let mark = if reason.lets { "yes" } else { "no " };
        lines.push(format!("  {mark} {} ({})", reason.text, place(sources, reason.span)));
    }
    let mut example = |what: &str, case: &Option<Case>| {
        if let Some(case) = case {
            let shown = case.lines(model);
            lines.extend(shown.iter().enumerate().map(|(at, line)| match at {
                0 => format!("{what}, for example {line}"),
                _ => format!("    {line}"),
            }));
        }
    };
    example("allowed", &why.allowed);
    if why.answer == Answer::Sometimes {
        example("denied", &why.denied);
    }
    if !why.data.is_empty() {
        lines.push("  it would be allowed there with other rows:".into());
        lines.extend(why.data.iter().map(|step| format!("    {step}")));
    }
    if !why.changes.is_empty() {
        let more = if why.answer == Answer::Never { "it" } else { "more" };
        lines.push(format!("{more} would be allowed by a change of the spec:"));
    }
    for change in why.changes.iter().take(MOST) {
        let how_much = if change.whole { "always" } else { "sometimes" };
        lines.push(format!("  {how_much}: {} ({})", change.text, edited(change, sources)));
        for line in change.edit.text.trim().lines() {
            lines.push(format!("    | {line}"));
        }
        if change.opens.is_empty() {
            lines.push("    opens nothing else".into());
        }
        lines.extend(change.opens.iter().map(|opened| format!("    also opens: {}", also(opened, model))));
    }
    if why.changes.len() > MOST {
        lines.push(format!("  and {} more, which open more (--format json has them)", why.changes.len() - MOST));
    }
    lines
}

/// So many changes are shown.
const MOST: usize = 3;

fn edited(change: &Change, sources: &Sources) -> String {
    match change.edit.span {
        Some(span) => place(sources, span),
        None => format!("at the end of {}", sources.file(change.edit.file).name),
    }
}

fn also(opened: &Opened, model: &Model) -> String {
    let entity = model.entity(opened.entity);
    let columns: Vec<String> = opened.columns.iter().map(|field| format!("`{}`", entity.fields[*field].name)).collect();
    let (role, does, table) = (&opened.role, opened.command.word(), name(model, opened.entity));
    let mut text = format!("`{role}` may {does}");
    if columns.is_empty() {
        text.push_str(&format!(" more rows of `{table}`"));
    } else {
        text.push_str(&format!(" {} of rows of `{table}`", columns.join(", ")));
        if opened.example.is_some() {
            text.push_str(", and more rows");
        }
    }
    if !opened.decided {
        text.push_str(", perhaps: it depends on what is not modelled");
    }
    if let Some(case) = &opened.example {
        text.push_str(&format!(", for example {}", case.lines(model).join("; ")));
    }
    text
}

fn as_json(asking: &Asking, why: &specc_prove::Why, model: &Model, sources: &Sources) -> Value {
    let names = |entity: EntityId, fields: &[usize]| -> Vec<String> {
        fields.iter().map(|field| model.entity(entity).fields[*field].name.to_string()).collect()
    };
    let example = |case: &Option<Case>| case.as_ref().map(|case| case.lines(model));
    let spans = |spans: &[Span]| -> Vec<Value> {
        spans.iter().map(|span| json!({ "text": sources.text(*span), "place": place(sources, *span) })).collect()
    };
    let reasons: Vec<Value> = why
        .reasons
        .iter()
        .map(|r| json!({ "text": r.text, "rule": r.rule, "place": place(sources, r.span), "lets": r.lets }))
        .collect();
    let change = |change: &Change| {
        let file = sources.file(change.edit.file);
        let end = file.text.len() as u32;
        let (start, end) = change.edit.span.map_or((end, end), |span| (span.start, span.end));
        let opens: Vec<Value> = change
            .opens
            .iter()
            .map(|o| {
                json!({
                    "role": o.role, "action": o.command.word(), "entity": name(model, o.entity),
                    "columns": names(o.entity, &o.columns), "example": example(&o.example), "decided": o.decided,
                })
            })
            .collect();
        let edit = json!({ "file": file.name, "start": start, "end": end, "text": change.edit.text });
        json!({ "text": change.text, "edit": edit, "whole": change.whole, "opens": opens })
    };
    let unknown = match &why.answer {
        Answer::Unknown(of) if of.is_empty() => vec![json!({ "text": specc_prove::TOO_LARGE })],
        Answer::Unknown(of) => spans(of),
        _ => spans(&why.open),
    };
    json!({
        "role": asking.role,
        "action": asking.command.word(),
        "entity": name(model, asking.entity),
        "columns": names(asking.entity, &asking.columns),
        "condition": asking.condition.as_ref().map(|expr| expr.text.as_str()),
        "answer": word(&why.answer),
        "complete": why.complete,
        "unknown": unknown,
        "reasons": reasons,
        "allowed": example(&why.allowed),
        "denied": example(&why.denied),
        "data": why.data,
        "changes": why.changes.iter().map(change).collect::<Vec<_>>(),
    })
}
