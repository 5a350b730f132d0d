//! What each rule has to do with an answer.

use super::parts::Said;
use super::{Answer, Asked};
use crate::access::{Right, binds, checked, passes};
use crate::circuit::Lit;
use crate::verdict::{Verdict, name};
use specc_diag::Span;
use specc_model::effective::{bypasses, grantees};
use specc_model::formula::Formula;
use specc_model::{Expr, Rls, Rule, RuleAction};

/// What a rule, or something else that decides, has to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub text: String,
    /// The rule's name, if it is one.
    pub rule: Option<String>,
    /// Where it is declared.
    pub span: Span,
    /// Whether it speaks for it.
    pub lets: bool,
}

/// All of them, in the order of the spec.
pub(super) fn of<'m>(asked: &Asked<'m>, answer: &Answer) -> Vec<Reason> {
    let (model, command) = (asked.stage.model, asked.asking.command);
    let entity = model.entity(asked.asking.entity);
    let (table, role, word) = (name(model, entity.id), &asked.role.name, command.word());
    let plain = |text: String, lets: bool| Reason { text, rule: None, span: entity.meta.span, lets };
    if bypasses(model, role) {
        let granted = *answer == Answer::Always;
        let but = if granted { "" } else { ", but nothing is granted to it" };
        return vec![plain(format!("`{role}` bypasses row level security: no rule is asked{but}"), granted)];
    }
    if entity.rls == Rls::Off {
        let granted = *answer == Answer::Always;
        let what = if granted { "and the table is granted" } else { "but nothing is granted" };
        return vec![plain(format!("`{table}` has no row level security, {what} to `{role}`"), granted)];
    }
    if *answer == Answer::NoRow {
        let text = match &asked.asking.condition {
            Some(condition) => format!("no row of `{table}` can satisfy `{}`", condition.text),
            None => format!("`{table}` cannot have a row"),
        };
        return vec![plain(text, false)];
    }
    let mut found = Vec::new();
    let does = |rule: &&Rule| rule.actions.iter().any(|(action, _)| *action == command);
    for rule in entity.rules.iter().filter(|rule| !rule.forbid).filter(does) {
        found.push(allowing(asked, rule));
    }
    if found.is_empty() {
        found.push(plain(format!("no rule of `{table}` allows `{word}`"), false));
    }
    let whole = |rule: &&Rule| rule.actions.iter().any(|(action, columns)| *action == command && columns.is_empty());
    let binding = entity.rules.iter().filter(|rule| rule.forbid && binds(model, rule, &asked.role)).filter(whole);
    found.extend(binding.filter_map(|rule| forbidding(asked, rule)));
    let right = asked.right(command);
    let bound = entity.rules.iter().filter(|rule| !rule.forbid && binds(model, rule, &asked.role));
    match &right {
        None if bound.filter(does).count() > 0 => {
            found.push(plain(format!("nothing grants `{word}` on `{table}` to `{role}`"), false));
        }
        Some(right) => found.extend(columns(asked, right)),
        None => {}
    }
    if asked.reads() {
        found.extend(unseen(asked));
    }
    found
}

fn reason(rule: &Rule, text: String, lets: bool) -> Reason {
    Reason { text, rule: Some(rule.name.to_string()), span: rule.span, lets }
}

/// What a rule asks of the row that the question is about.
fn asks<'m>(asked: &Asked<'m>, rule: &'m Rule) -> Option<&'m Expr> {
    match asked.asking.command {
        RuleAction::Insert => rule.check.as_deref().or(rule.when.as_deref()),
        _ => rule.when.as_deref(),
    }
}

/// Whether there is such a row for which these hold, and these do not.
fn can_be<'m>(asked: &Asked<'m>, hold: &[&'m Formula], not: Option<&'m Formula>, given: bool) -> bool {
    let all = hold.iter().map(|formula| (*formula, true)).chain(not.map(|formula| (formula, false)));
    let mut scene = asked.scene(&asked.givable(), all.collect());
    let mut lit = if given { asked.given(&mut scene) } else { scene.there() };
    for formula in hold {
        let holds = scene.is(formula);
        lit = scene.world.circuit.and(lit, holds);
    }
    if let Some(formula) = not {
        let holds = scene.is(formula);
        lit = scene.world.circuit.and(lit, !holds);
    }
    !matches!(scene.verdict(lit), Verdict::Proven { .. } | Verdict::Checked { .. })
}

fn allowing<'m>(asked: &Asked<'m>, rule: &'m Rule) -> Reason {
    let (model, role) = (asked.stage.model, &asked.role.name);
    if !binds(model, rule, &asked.role) {
        let to: Vec<String> = grantees(model, rule).iter().map(|role| format!("`{role}`")).collect();
        return reason(rule, format!("rule `{}` is for {}, not for `{role}`", rule.name, to.join(", ")), false);
    }
    let entity = model.entity(asked.asking.entity);
    let columns = rule.actions.iter().find(|(action, _)| *action == asked.asking.command).map(|(_, columns)| columns);
    if let Some(columns) = columns.filter(|columns| !columns.is_empty())
        && !asked.asking.columns.iter().all(|field| columns.contains(field))
    {
        let names: Vec<String> = columns.iter().map(|field| format!("`{}`", entity.fields[*field].name)).collect();
        return reason(rule, format!("rule `{}` is for {} only", rule.name, names.join(", ")), false);
    }
    let Some(expr) = asks(asked, rule) else {
        return reason(rule, format!("rule `{}` lets every row through", rule.name), true);
    };
    if can_be(asked, &[&expr.formula], None, true) {
        let text = match can_be(asked, &[], Some(&expr.formula), true) {
            false => format!("rule `{}` lets all of them through: `{}`", rule.name, expr.text),
            true => format!("rule `{}` lets those through for which `{}`", rule.name, expr.text),
        };
        let checks = (asked.asking.command == RuleAction::Update).then_some(rule.check.as_deref()).flatten();
        let text = match checks {
            Some(check) => format!("{text}; what comes of it has to satisfy `{}`", check.text),
            None => text,
        };
        return reason(rule, text, true);
    }
    let said = Said::of(expr);
    let core = contradicting(asked, &said);
    let parts: Vec<String> = core.iter().map(|part| format!("`{}`", part.text)).collect();
    let needs = parts.join(" and ");
    let core: Vec<&Formula> = core.iter().map(|part| part.formula).collect();
    let alone = !can_be(asked, &core, None, false);
    let text = match &asked.asking.condition {
        Some(condition) if !alone => {
            format!("rule `{}` needs {needs}, which contradicts `{}`", rule.name, condition.text)
        }
        _ => format!("rule `{}` needs {needs}, which never holds for `{role}`", rule.name),
    };
    let span =
        core.first().map_or(rule.span, |first| if expr.span.contains(first.span) { first.span } else { rule.span });
    Reason { span, ..reason(rule, text, false) }
}

/// Parts of a condition that cannot hold together with what is given, none of which could be left out.
fn contradicting<'m, 's>(asked: &Asked<'m>, said: &'s Said<'m>) -> Vec<&'s Said<'m>> {
    let mut parts = said.conjuncts();
    if let Some(alone) = parts.iter().find(|part| !can_be(asked, &[part.formula], None, true)) {
        return vec![alone];
    }
    let mut at = 0;
    while at < parts.len() && parts.len() > 1 {
        let part = parts.remove(at);
        let left: Vec<&'m Formula> = parts.iter().map(|part| part.formula).collect();
        if can_be(asked, &left, None, true) {
            parts.insert(at, part);
            at += 1;
        }
    }
    parts
}

/// What a forbidding rule holds back of what the others let through.
fn forbidding<'m>(asked: &Asked<'m>, rule: &'m Rule) -> Option<Reason> {
    let expr = asks(asked, rule);
    let condition = match asked.asking.command {
        RuleAction::Insert => checked(rule),
        _ => expr.map(|expr| &expr.formula),
    };
    let held = |back: bool| {
        let columns = asked.givable();
        let wanted = (rule.unless || rule.exact) != back;
        let mut scene = asked.scene(&columns, condition.map(|formula| (formula, wanted)).into_iter().collect());
        let given = asked.given(&mut scene);
        let row = scene.row();
        let passes = passes(&mut scene.world, row, rule, condition);
        let lit = scene.world.circuit.and(given, if back { !passes } else { passes });
        lit != Lit::FALSE && !matches!(scene.verdict(lit), Verdict::Proven { .. } | Verdict::Checked { .. })
    };
    if !held(true) {
        return None;
    }
    let word = if rule.unless { "unless" } else { "when" };
    let when = expr.map(|expr| format!(": {word} `{}`", expr.text)).unwrap_or_default();
    let what = if held(false) { "some of them" } else { "every such row" };
    Some(reason(rule, format!("rule `{}` forbids {what}{when}", rule.name), false))
}

/// Columns asked about that no rule opens.
fn columns(asked: &Asked<'_>, right: &Right<'_>) -> Option<Reason> {
    let entity = asked.stage.model.entity(asked.asking.entity);
    let closed: Vec<String> =
        asked.closed(right).into_iter().map(|field| format!("`{}`", entity.fields[field].name)).collect();
    let open: Vec<String> =
        right.columns().into_iter().map(|field| format!("`{}`", entity.fields[field].name)).collect();
    let text = format!(
        "`{}` does not {} {}, only {}",
        asked.role.name,
        asked.asking.command.word(),
        closed.join(", "),
        open.join(", ")
    );
    (!closed.is_empty()).then_some(Reason { text, rule: None, span: entity.meta.span, lets: false })
}

/// That a statement with a condition does not find the rows.
fn unseen(asked: &Asked<'_>) -> Option<Reason> {
    let (model, role) = (asked.stage.model, &asked.role.name);
    let entity = model.entity(asked.asking.entity);
    let table = name(model, entity.id);
    let span = entity.meta.span;
    let Some(select) = asked.right(RuleAction::Select) else {
        let text = format!("`{role}` reads no row of `{table}`, and a statement finds only rows that are read");
        return Some(Reason { text, rule: None, span, lets: false });
    };
    let seen = |wanted: bool| {
        let conditions = select.conditions().into_iter().map(|(formula, holds)| (formula, holds == wanted)).collect();
        let mut scene = asked.scene(&[], conditions);
        let given = asked.given(&mut scene);
        let seen = scene.seen(Some(&select));
        let lit = scene.world.circuit.and(given, if wanted { seen } else { !seen });
        !matches!(scene.verdict(lit), Verdict::Proven { .. } | Verdict::Checked { .. })
    };
    if !seen(false) {
        return None;
    }
    let does = if seen(true) { "does not read all of them" } else { "reads none of them" };
    let text = format!("`{role}` {does}, and a statement finds only rows that are read");
    Some(Reason { text, rule: None, span, lets: false })
}
