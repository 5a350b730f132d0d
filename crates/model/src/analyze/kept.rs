//! What triggers keep: conditions of counts, sums and limits, which are looked at when a row is written and at no other
//! time; and the steps that a limit takes on its own, which a workflow has to allow.

use super::exprs::Exprs;
use super::fields::list;
use crate::formula::{Call, Formula, Node, Operator};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_facts::Volatility;
use specc_syntax::ast::RawExpr;

const INSTEAD: &str = "test columns of the row alone; what depends on the moment, on who is asking or on other rows belongs in \
                       a view, or in a column that is written when it changes";

/// The condition of a count, a sum or a limit: over the row alone, the same whenever it is read.
pub(super) fn condition(exprs: &Exprs<'_>, raw: &RawExpr, scope: &Scope, out: &mut Vec<Diagnostic>) -> Option<ExprRef> {
    let before = out.len();
    let found = exprs.get(raw, scope, Expect::condition(Place::Kept), out);
    for finding in &mut out[before..] {
        if finding.code == codes::NOT_IMMUTABLE {
            finding.code = codes::CHANGING_CONDITION;
            finding.help = Some(INSTEAD.into());
        }
    }
    found
}

/// What in a condition can change while the row does not, also in the predicates that it uses.
fn changing(model: &Model, formula: &Formula) -> Option<String> {
    let mut found = None;
    formula.visit_all(model, &mut |part| {
        let what = match &part.node {
            Node::Viewer | Node::ViewerField(_) => Some("`viewer` changes from one request to the next".to_owned()),
            Node::Claim(_) => Some("`claims` changes from one request to the next".to_owned()),
            Node::Path(_, steps, _) | Node::Whole(_, steps) if !steps.is_empty() => {
                Some("a path reads other rows".to_owned())
            }
            Node::Exists(exists) if !exists.steps.is_empty() => Some("`exists` reads other rows".to_owned()),
            Node::Sql(sql) if sql.query => Some("a query reads other rows".to_owned()),
            Node::Call(call) => called(model, call),
            _ => None,
        };
        if found.is_none() {
            found = what;
        }
    });
    found
}

/// Why what a function says can change; none for one that says the same of the same, or of which nothing is known.
fn called(model: &Model, call: &Call) -> Option<String> {
    let name = &call.function.name;
    if let Some(function) = call.declared.map(|at| &model.functions[at]) {
        if function.depends.iter().any(|object| matches!(object, Object::Entity(_) | Object::View(_))) {
            return Some(format!("`{name}()` reads other rows"));
        }
        let volatility = function.volatility.as_deref().unwrap_or("volatile");
        return (volatility != "immutable").then(|| format!("`{name}()` is {volatility}"));
    }
    let schema = call.qualified.then_some(call.function.schema.as_str());
    let best = || specc_facts::functions(name).iter().map(|variant| variant.volatility).min();
    let volatility = match schema {
        // Which of several is called depends on the arguments, and was looked at where the call is written.
        None | Some("pg_catalog") => specc_facts::grammar(name).map(|g| g.volatility).or_else(best),
        Some(_) => specc_facts::volatility(schema, name).or_else(best),
    };
    volatility
        .filter(|v| *v != Volatility::Immutable)
        .map(|_| format!("`{name}()` changes from one request to the next"))
}

/// Looks at conditions again, when the bodies of predicates are known, and at the steps of limits.
pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in &model.entities {
        let filters = entity.fields.iter().filter_map(|f| f.maintained.as_ref()?.filter.as_ref());
        for condition in filters.chain(entity.limits.iter().map(|limit| &limit.condition)) {
            let Some(what) = changing(model, &condition.formula) else { continue };
            let within = |span: Span| {
                let whole = condition.span;
                span.file == whole.file && span.start >= whole.start && span.end <= whole.end
            };
            if !out.iter().any(|d| d.code == codes::CHANGING_CONDITION && within(d.span())) {
                let message = format!("{what}, so it cannot stand in {}", Place::Kept.words());
                out.push(Diagnostic::new(codes::CHANGING_CONDITION, condition.span, message).help(INSTEAD));
            }
        }
    }
    steps(model, out);
}

/// Says where a limit sets a state that the workflow of the field does not lead to.
fn steps(model: &Model, out: &mut Vec<Diagnostic>) {
    for entity in model.entities.iter().filter(|entity| !entity.limits.is_empty()) {
        for limit in &entity.limits {
            for (field, value) in &limit.overflow {
                let Some(workflow) = entity.workflows.iter().find(|w| w.field == *field) else { continue };
                let Some(over) = label(&value.formula) else { continue };
                let counted = states(&limit.condition.formula, *field);
                let has = |from: &SmolStr, to: &SmolStr| {
                    from == to || workflow.steps.iter().any(|step| step.from == *from && step.to == *to)
                };
                let name = &entity.fields[*field].name;
                let mut say = |missing: Vec<String>, why: &str| {
                    let shown: Vec<&str> = missing.iter().map(String::as_str).collect();
                    if shown.is_empty() {
                        return;
                    }
                    let message = format!("the workflow of `{name}` lacks {}, {why}", list(&shown));
                    let found = Diagnostic::new(codes::LIMIT_STEP, limit.span, message);
                    let help = format!("add `{}` to the workflow", shown.join("`, `"));
                    out.push(found.also(workflow.span, "this workflow").help(help));
                };
                let leave = counted.iter().filter(|from| !has(from, &over));
                say(
                    leave.map(|from| format!("{from} -> {over}")).collect(),
                    "so rows that lose their places cannot leave them: the statement is refused",
                );
                if let Some(first) = counted.first().filter(|first| !limit.promote_by.is_empty() && !has(&over, first))
                {
                    let missing = vec![format!("{over} -> {first}")];
                    say(missing, "so rows that wait are never given a place");
                }
                // Who asks for a place where none is left is sent on from where the row is.
                let asks =
                    workflow.steps.iter().filter(|step| counted.contains(&step.to) && !counted.contains(&step.from));
                let mut astray: Vec<String> = asks
                    .filter(|step| !has(&step.from, &over))
                    .map(|step| format!("{} -> {over}", step.from))
                    .collect();
                astray.dedup();
                say(astray, "so whoever asks for a place from there, where none is left, is refused");
                let starts = workflow.initial.iter().any(|first| counted.contains(first));
                if starts && !workflow.initial.contains(&over) {
                    say(vec![format!("-> {over}")], "so a new row is refused where no place is left");
                }
            }
        }
    }
}

/// The state that a value is.
fn label(value: &Formula) -> Option<SmolStr> {
    match &value.bare().node {
        Node::Literal(value) => value.text().map(SmolStr::from),
        Node::Cast(cast) => label(&cast.of),
        _ => None,
    }
}

/// The states of a field that a condition asks for.
fn states(condition: &Formula, field: FieldIx) -> Vec<SmolStr> {
    for part in condition.bare().chain(&Operator::And).into_iter().map(Formula::bare) {
        let found: Vec<SmolStr> = match &part.node {
            Node::Binary(Operator::And, _) => states(part, field),
            Node::Binary(Operator::Equal, sides) => {
                let other = match (sides.0.own_column(), sides.1.own_column()) {
                    (Some(own), _) if own == field => label(&sides.1),
                    (_, Some(own)) if own == field => label(&sides.0),
                    _ => None,
                };
                other.into_iter().collect()
            }
            Node::InList(items, false) if items.0.own_column() == Some(field) => {
                items.1.iter().filter_map(label).collect()
            }
            _ => Vec::new(),
        };
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}
