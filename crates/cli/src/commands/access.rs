//! `specc explain access`

use super::why::{entity, place, role, word};
use crate::args::{Explain, Format};
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, data, say};
use serde_json::{Value, json};
use smol_str::SmolStr;
use specc_diag::Sources;
use specc_model::effective::{self, COMMANDS, Effective, Line};
use specc_model::{Entity, FieldIx, Model, RuleAction};
use specc_prove::{Answer, Aside, Asking};
use std::process::ExitCode;

/// What a role may do with rows of an entity.
struct Cell<'m> {
    command: RuleAction,
    answer: Answer,
    /// The columns that it reads or writes; none: all.
    columns: Option<Vec<FieldIx>>,
    lines: Vec<Line<'m>>,
}

/// Prints what roles may do, each entity by itself, and what they get past the rules.
pub fn run(args: &Explain, format: Format) -> Result<ExitCode, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let (model, sources) = (&compilation.model, &compilation.sources);
    let (roles, entities) = asked(model, &args.of)?;
    let asides = specc_prove::asides(model);
    let mut all = Vec::new();
    for role in &roles {
        let table = table(model, role, &entities);
        let past: Vec<&Aside> = match args.of.iter().any(|word| self::entity(model, word).is_ok() && word != role) {
            true => Vec::new(),
            false => asides.iter().filter(|aside| aside.roles.is_empty() || aside.roles.contains(role)).collect(),
        };
        match format {
            Format::Json => all.push(as_json(model, role, &table, &past, sources)),
            Format::Text => as_text(model, role, &table, &past, sources).iter().for_each(|line| say(line)),
        }
    }
    if format == Format::Json {
        data(&json!({ "access": all }).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Roles and entities by what was written: a role, an entity, or both in this order.
fn asked<'m>(model: &'m Model, words: &[String]) -> Result<(Vec<SmolStr>, Vec<&'m Entity>), Failure> {
    let all_roles = || specc_prove::roles(model).into_iter().map(|role| role.name).collect();
    let all_entities = || model.entities.iter().filter(|entity| !entity.external || !entity.rules.is_empty()).collect();
    Ok(match words {
        [] => (all_roles(), all_entities()),
        [one] => match (role(model, one), entity(model, one)) {
            (Ok(role), _) => (vec![role], all_entities()),
            (Err(_), Ok(id)) => (all_roles(), vec![model.entity(id)]),
            (Err(_), Err(_)) => {
                return Err(Failure::broken(format!("`{one}` is neither a role nor an entity of the spec")));
            }
        },
        [first, second, ..] => (vec![role(model, first)?], vec![model.entity(entity(model, second)?)]),
    })
}

fn table<'m>(model: &'m Model, role: &SmolStr, entities: &[&'m Entity]) -> Vec<(&'m Entity, Vec<Cell<'m>>)> {
    let asking = |entity: &&Entity| {
        let (role, entity) = (role.clone(), entity.id);
        COMMANDS.map(|command| Asking { role: role.clone(), command, entity, columns: Vec::new(), condition: None })
    };
    let asked: Vec<Asking> = entities.iter().flat_map(asking).collect();
    let mut answers = specc_prove::answers(model, &asked).into_iter();
    let acts_as = effective::acts_as(model, role);
    let free = effective::bypasses(model, role);
    let cells = |entity: &'m Entity, answers: &mut dyn Iterator<Item = Answer>| {
        let cell = |(command, answer): (RuleAction, Answer)| {
            let decision = Effective::decision(model, entity, &acts_as, command).filter(|_| !free);
            let mut columns = decision.as_ref().and_then(|decision| decision.columns.clone());
            if let Some(columns) = columns.as_mut().filter(|_| command == RuleAction::Update) {
                columns.retain(|field| !entity.fields[*field].immutable);
            }
            let lines = decision.map(|decision| decision.lines()).unwrap_or_default();
            Cell { command, answer, columns, lines }
        };
        COMMANDS.into_iter().zip(answers).map(cell).collect()
    };
    entities.iter().map(|entity| (*entity, cells(entity, &mut answers))).collect()
}

/// What a rule asks, in the words of the spec.
fn said(entity: &Entity, line: &Line<'_>) -> String {
    let rule = line.rule;
    let mut text = format!("{}rule `{}`", if line.narrows { "but " } else { "" }, rule.name);
    if let Some(when) = &rule.when {
        text.push_str(&format!(" {} `{}`", if rule.unless { "unless" } else { "when" }, when.text));
    }
    if let Some(check) = &rule.check {
        text.push_str(&format!(", new row `{}`", check.text));
    }
    if !line.columns.is_empty() {
        text.push_str(&format!(" (columns {})", names(entity, line.columns).join(", ")));
    }
    text
}

fn names(entity: &Entity, columns: &[FieldIx]) -> Vec<String> {
    columns.iter().map(|field| entity.fields[*field].name.to_string()).collect()
}

fn as_text(
    model: &Model,
    role: &str,
    table: &[(&Entity, Vec<Cell<'_>>)],
    past: &[&Aside],
    sources: &Sources,
) -> Vec<String> {
    let mut lines = vec![format!("`{role}`")];
    if effective::bypasses(model, role) {
        lines.push("  bypasses row level security: no rule is asked".into());
    }
    for (entity, cells) in table {
        let name = specc_prove::name(model, entity.id);
        if cells.iter().all(|cell| cell.answer == Answer::Never && cell.lines.is_empty()) {
            lines.push(format!("  {name}: nothing"));
            continue;
        }
        lines.push(format!("  {name}"));
        for cell in cells {
            let columns = match &cell.columns {
                Some(columns) if !columns.is_empty() => format!(" ({})", names(entity, columns).join(", ")),
                _ => String::new(),
            };
            lines.push(format!("    {} {}{columns}", cell.command.word(), word(&cell.answer)));
            lines.extend(cell.lines.iter().map(|line| format!("      {}", said(entity, line))));
        }
    }
    if !past.is_empty() {
        lines.push("  past the rules".into());
        lines.extend(past.iter().map(|aside| format!("    {}: {}", place(sources, aside.span), aside.text)));
    }
    lines
}

fn as_json(model: &Model, role: &str, table: &[(&Entity, Vec<Cell<'_>>)], past: &[&Aside], sources: &Sources) -> Value {
    let rule = |entity: &Entity, line: &Line<'_>| {
        json!({
            "rule": line.rule.name,
            "narrows": line.narrows,
            "when": line.rule.when.as_ref().map(|expr| expr.text.as_str()),
            "unless": line.rule.unless,
            "check": line.rule.check.as_ref().map(|expr| expr.text.as_str()),
            "columns": names(entity, line.columns),
            "place": place(sources, line.rule.span),
        })
    };
    let cell = |entity: &Entity, cell: &Cell<'_>| {
        json!({
            "action": cell.command.word(),
            "answer": word(&cell.answer),
            "columns": cell.columns.as_ref().map(|columns| names(entity, columns)),
            "rules": cell.lines.iter().map(|line| rule(entity, line)).collect::<Vec<_>>(),
        })
    };
    let entities: Vec<Value> = table
        .iter()
        .map(|(entity, cells)| {
            let actions: Vec<Value> = cells.iter().map(|c| cell(entity, c)).collect();
            json!({ "entity": specc_prove::name(model, entity.id), "actions": actions })
        })
        .collect();
    let past: Vec<Value> =
        past.iter().map(|aside| json!({ "text": aside.text, "place": place(sources, aside.span) })).collect();
    json!({ "role": role, "bypasses": effective::bypasses(model, role), "entities": entities, "past_the_rules": past })
}
