//! Indexes that row level security keeps out of use: Postgres asks nothing of a row that a rule may hide, but by operators that
//! tell nobody what they saw.

use crate::formula::{Formula, Node, Row, Value};
use crate::types::*;
use specc_diag::{Diagnostic, codes};
use specc_facts::{family, is_leakproof};

/// Looks at each index of an entity whose rows are shown by a condition to all who read them.
pub(super) fn check(model: &Model, out: &mut Vec<Diagnostic>) {
    let guarded = |entity: &&Entity| entity.rls != Rls::Off && !entity.external && shown_by_condition(entity);
    // What reads with its owner's rights is not bound, and may be what the index is for.
    let mut past = vec![false; model.entities.len()];
    for function in model.functions.iter().filter(|function| function.security_definer) {
        function.reads.iter().for_each(|entity| past[entity.0 as usize] = true);
    }
    for view in model.views.iter().filter(|view| view.security_definer || view.materialized) {
        for object in &view.depends {
            if let Object::Entity(entity) = object {
                past[entity.0 as usize] = true;
            }
        }
    }
    for entity in model.entities.iter().filter(guarded).filter(|entity| !past[entity.id.0 as usize]) {
        for index in entity.indexes.iter().filter(|index| !index.unique) {
            // Of an index in an order the first column decides, of another one any.
            let ordered = specc_facts::index_method(&index.method).is_some_and(|method| method.ordered);
            let first = if ordered { 1 } else { index.elements.len() };
            let shut = |element: &Element| is_shut(model, entity, &index.method, element);
            if index.elements.is_empty() || !index.elements.iter().take(first).all(shut) {
                continue;
            }
            let on = match &index.elements[0].on {
                On::Field(field) => format!("`{}`", entity.fields[*field].name),
                On::Expr(expr) => format!("`{}`", expr.text),
            };
            let message = format!("no role that the rules of `{}` bind looks {on} up in this index", entity.name.name);
            let help = match index.elements[0].field().map(|field| &entity.fields[field].ty) {
                Some(Type { base: Base::Enum(_), dims: 0, .. }) => {
                    "make the column `text` with a check, or put a column that the rules compare first"
                }
                Some(_) => "put a column that the rules compare first, or look it up in a function of its own",
                None => "keep the value in a column, or look it up in a function of its own",
            };
            out.push(Diagnostic::new(codes::SHUT_INDEX, index.span, message).help(help));
        }
        for search in &entity.searches {
            let field = &entity.fields[search.field];
            let message = format!(
                "no role that the rules of `{}` bind searches by the index of `{}`",
                entity.name.name, field.name
            );
            let help = "search in a function with its owner's rights that asks who may see what it finds";
            out.push(Diagnostic::new(codes::SHUT_INDEX, field.meta.span, message).help(help));
        }
    }
}

/// Whether somebody reads the rows, and nobody all of them.
fn shown_by_condition(entity: &Entity) -> bool {
    let whole = |rule: &&Rule| {
        rule.actions
            .iter()
            .any(|(action, columns)| *action == RuleAction::Select && (!rule.forbid || columns.is_empty()))
    };
    let (forbids, allows): (Vec<&Rule>, Vec<&Rule>) = entity.rules.iter().filter(whole).partition(|rule| rule.forbid);
    let is_open = |rule: &&Rule| match &rule.when {
        Some(when) => matches!(when.formula.bare().node, Node::Literal(Value::Boolean(true))),
        None => true,
    };
    !allows.is_empty() && (!forbids.is_empty() || !allows.iter().any(is_open))
}

/// Whether a condition over it waits until the rules have been asked.
fn is_shut(model: &Model, entity: &Entity, method: &str, element: &Element) -> bool {
    // What is computed is computed by a function, and few of those tell nobody.
    let Some(field) = element.field() else { return true };
    let (_, ty) = model.domains_of(&entity.fields[field].ty);
    let name = match &ty.base {
        // An index over numbers is as often there for their order, which rules do not touch.
        Base::Builtin(name) if ty.dims == 0 && family(name).is_number() => return false,
        Base::Builtin(name) => name.as_str(),
        Base::Named(name) => name.name.as_str(),
        Base::Enum(_) => "anyenum",
        _ => return false,
    };
    let class = element.opclass.as_ref().map(|class| class.name.as_str());
    !is_leakproof(method, class, name, ty.dims > 0) && !is_asked(entity, field)
}

/// Whether a rule for reading compares the column itself: its own conditions come first, and use an index.
fn is_asked(entity: &Entity, field: FieldIx) -> bool {
    let reads = |rule: &&Rule| rule.actions.iter().any(|(action, _)| *action == RuleAction::Select);
    let names = |formula: &Formula| {
        let mut found = false;
        formula.visit(|part| found |= matches!(part.node, Node::Column(Row::Scope(0), f) if f == field));
        found
    };
    entity.rules.iter().filter(reads).filter_map(|rule| rule.when.as_ref()).any(|when| names(&when.formula))
}
