//! Files: which bucket they stay in, whose folder they are in, and how rules look at paths.

use super::{Act, Context, Finding};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::encode::Env;
use crate::files::{self, folder, is_files};
use crate::membership::is_of_session;
use crate::sorts::{self, Source, Val};
use crate::verdict::Verdict;
use crate::world::{RowId, World};
use smol_str::SmolStr;
use specc_diag::{Code, Span, codes};
use specc_model::formula::{Formula, Node, Operator, Row};
use specc_model::{Bucket, Entity, FieldIx, Model, Rule, RuleAction};
use std::collections::BTreeSet;

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    let (Some(bucket_id), Some(name)) = (entity.field("bucket_id"), entity.field("name")) else { return };
    if !is_files(entity) {
        return;
    }
    let table = context.name(entity.id);
    let mut push = |code: Code, span: Span, claim: String, wrong: String, verdict: Verdict| {
        found.push(Finding { code, entity: table.clone(), claim, wrong, verdict, span });
    };
    for role in context.signed_in() {
        if let Some(right) = context.right(entity.id, role, RuleAction::Update) {
            for (at, opening) in right.openings().iter().enumerate() {
                let rule = opening.rule;
                let claim = format!("by rule `{}` `{}` moves no file to another bucket", rule.name, role.name);
                let wrong = format!("by rule `{}` `{}` moves files to another bucket", rule.name, role.name);
                push(codes::MOVED_FILE, rule.span, claim, wrong, moved(context, &right, role, at, bucket_id));
            }
        }
        for (bucket, nth) in folders_of_viewers(context.model, entity, bucket_id) {
            for command in [RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for (at, opening) in right.openings().iter().enumerate() {
                    let rule = opening.rule;
                    if is_by_rank(context.model, rule) || looks_further(context.model, rule, name) {
                        continue;
                    }
                    let verb = format!("by rule `{}` `{}` {}", rule.name, role.name, super::does(command));
                    let claim = format!("{verb} files of bucket `{bucket}` in its own folder only");
                    let wrong = format!("{verb} files of bucket `{bucket}` in folders of others");
                    let verdict = elsewhere(context, &right, role, at, (bucket_id, name, &bucket, nth));
                    push(codes::FOREIGN_WRITE, rule.span, claim, wrong, verdict);
                }
            }
        }
    }
    for bucket in &context.model.buckets {
        let asked = folders_of_others(context.model, entity, bucket);
        for role in context.signed_in().filter(|_| !asked.is_empty()) {
            for command in [RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                for (at, opening) in right.openings().iter().enumerate() {
                    let rule = opening.rule;
                    if is_by_rank(context.model, rule) || is_by_owner(context.model, rule) {
                        continue;
                    }
                    let verb = format!("by rule `{}` `{}` {}", rule.name, role.name, super::does(command));
                    let claim =
                        format!("{verb} files of bucket `{}` only in folders that a rule asks for", bucket.name);
                    let wrong = format!("{verb} files of bucket `{}` in folders that no rule asks for", bucket.name);
                    let verdict = unasked(context, &right, role, at, (bucket_id, name, &bucket.name, &asked));
                    push(codes::FOREIGN_WRITE, rule.span, claim, wrong, verdict);
                }
            }
        }
    }
    for rule in &entity.rules {
        let conditions = [&rule.when, &rule.check].into_iter().flatten();
        let mut loose = BTreeSet::new();
        conditions.for_each(|expr| expr.formula.visit(|part| loose.extend(is_loose(part, name).then_some(part.span))));
        let claim = format!("rule `{}` looks at whole folders of a path", rule.name);
        let wrong = format!("rule `{}` looks for a piece of the path, wherever a name has it", rule.name);
        let verdict = match loose.first() {
            Some(_) => Verdict::Counterexample(None),
            None => Verdict::Proven { rows: 0 },
        };
        let span = loose.first().copied().unwrap_or(rule.span);
        push(codes::LOOSE_PATH, span, claim, wrong, verdict);
    }
    let asked = |bucket: &&specc_model::Bucket| {
        bucket.public && entity.rules.iter().any(|rule| bucket.rules.iter().any(|own| own.span == rule.span))
    };
    for bucket in context.model.buckets.iter().filter(asked) {
        let reads = |rule: &&Rule| matches!(rule.actions.as_slice(), [(RuleAction::Select, _)]) && !rule.forbid;
        let open = bucket.rules.iter().filter(reads).any(|rule| rule.when.is_none());
        let closing = bucket.rules.iter().filter(reads).find(|rule| rule.when.is_some()).filter(|_| !open);
        let claim = format!("who reads files of bucket `{}` is not decided twice", bucket.name);
        let wrong = match closing {
            Some(rule) => {
                format!("bucket `{}` is public, so everybody reads what rule `{}` holds back", bucket.name, rule.name)
            }
            None => String::new(),
        };
        let verdict = if closing.is_some() { Verdict::Counterexample(None) } else { Verdict::Proven { rows: 0 } };
        push(codes::PUBLIC_BUCKET, closing.map_or(bucket.meta.span, |rule| rule.span), claim, wrong, verdict);
    }
}

fn moved<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, at: usize, bucket_id: FieldIx) -> Verdict {
    if !right.writes(bucket_id) {
        return Verdict::Proven { rows: 0 };
    }
    let mut act = Act::new(context, right, role, &[(right.entity.id, bucket_id)], []);
    let (Some(old), Some(new)) = act.rows() else { return Verdict::Proven { rows: 0 } };
    let differs = act.world().differs(old, new, bucket_id);
    let opened = act.opened[at];
    act.decide(&[opened, differs])
}

/// Buckets in which rules ask whether a folder is the viewer's, and which folder that is.
fn folders_of_viewers(model: &Model, entity: &Entity, bucket_id: FieldIx) -> BTreeSet<(SmolStr, u8)> {
    let mut found = BTreeSet::new();
    for rule in entity.rules.iter().filter(|rule| !rule.forbid) {
        let (mut buckets, mut folders) = (Vec::new(), Vec::new());
        buckets.extend(files::buckets_of(model, rule.span).map(|bucket| bucket.name.clone()));
        for expr in [&rule.when, &rule.check].into_iter().flatten() {
            expr.formula.visit_all(model, &mut |part| {
                folders.extend(folder_of_viewer(part));
                let Some((a, b)) = part.equality() else { return };
                for (column, other) in [(a, b), (b, a)] {
                    if column.own_column() == Some(bucket_id) {
                        buckets.extend(other.literal_text().map(SmolStr::from));
                    }
                }
            });
        }
        found.extend(buckets.iter().flat_map(|bucket| folders.iter().map(|nth| (bucket.clone(), *nth))));
    }
    found
}

/// `(storage.foldername(name))[1] = viewer::text`
fn folder_of_viewer(part: &Formula) -> Option<u8> {
    if let Some((folder, files::Beginning::Folder(of))) = files::begins(part) {
        return sorts::is_viewer(of).then_some(folder.nth);
    }
    let (a, b) = part.equality()?;
    let found = [(a, b), (b, a)].into_iter().find(|(_, other)| sorts::is_viewer(other));
    found.and_then(|(of, _)| folder(of)).map(|folder| folder.nth)
}

/// Whether a rule asks something else of the path than whether a folder is the viewer's, or whose the file is.
fn looks_further(model: &Model, rule: &Rule, name: FieldIx) -> bool {
    let (mut read, mut own) = (0, 0);
    let mut further = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        expr.formula.visit_all(model, &mut |part| {
            own += usize::from(folder_of_viewer(part).is_some());
            read += usize::from(matches!(part.node, Node::Column(_, field) if field == name));
            further |= matches!(&part.node, Node::Path(..) | Node::Whole(Row::Scope(_), _) | Node::AsIs(_));
            if let Some((a, b)) = part.equality() {
                further |= [(a, b), (b, a)].iter().any(|(of, by)| sorts::is_viewer(by) && of.own_column().is_some());
            }
        });
    }
    further || read > own
}

/// Whether a rule is for a rank alone, whatever the file is: more than being signed in.
fn is_by_rank(model: &Model, rule: &Rule) -> bool {
    let mut rank = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        expr.formula.visit_all(model, &mut |part| {
            rank |= match &part.node {
                Node::ViewerField(_) | Node::Exists(_) => true,
                Node::Call(call) => call.declared.is_some(),
                _ => matches!(sorts::session(part), Some(Source::Claim(_))),
            };
        });
    }
    rank && is_of_session(model, rule)
}

fn elsewhere<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    (bucket_id, name, bucket, nth): (FieldIx, FieldIx, &SmolStr, u8),
) -> Verdict {
    let columns = [(right.entity.id, bucket_id), (right.entity.id, name)];
    let mut act = Act::new(context, right, role, &columns, []);
    let (old, new) = act.rows();
    let mut foreign = Vec::new();
    for row in [old, new].into_iter().flatten() {
        let own = is_own(act.world(), row, name, nth);
        let there = act.world().value(row, bucket_id);
        let there = act.world().equal(&there, &sym(bucket)).yes;
        foreign.push(act.world().circuit.and(there, !own));
    }
    let foreign = act.world().circuit.any(foreign);
    let opened = act.opened[at];
    act.decide(&[opened, foreign])
}

/// What rules of a bucket ask of folders and who asks together, where that is not only whether a folder is the viewer's.
fn folders_of_others<'m>(model: &'m Model, entity: &'m Entity, bucket: &Bucket) -> Vec<&'m Formula> {
    let of_bucket = |rule: &&Rule| !rule.forbid && bucket.rules.iter().any(|own| own.span == rule.span);
    let exprs = entity.rules.iter().filter(of_bucket).flat_map(|rule| [&rule.when, &rule.check]).flatten();
    let mut found = Vec::new();
    for expr in exprs {
        together(model, &expr.formula, &mut found);
    }
    if found.iter().all(|part| folder_of_viewer(part).is_some()) { Vec::new() } else { found }
}

/// The smallest conditions in a formula that ask of a folder and of who asks.
fn together<'m>(model: &Model, formula: &'m Formula, found: &mut Vec<&'m Formula>) -> bool {
    let (mut of_folder, mut of_session) = (false, false);
    sorts::visit(model, formula, &mut |part| {
        of_folder |= folder(part).is_some() || files::begins(part).is_some();
        of_session |= sorts::session(part).is_some() || matches!(part.node, Node::ViewerField(_));
        of_session |= sorts::asks(model, part).is_some();
    });
    if !of_folder || !of_session {
        return false;
    }
    // What a query or a predicate asks is of rows of its own.
    let parts = match &formula.node {
        Node::Binary(Operator::And | Operator::Or, sides) => vec![&sides.0, &sides.1],
        Node::Nested(inner) | Node::Is(inner, "true") => vec![&**inner],
        _ => Vec::new(),
    };
    let mut inside = false;
    parts.into_iter().for_each(|part| inside |= together(model, part, found));
    if !inside && sorts::is_condition(formula) {
        found.push(formula);
    }
    true
}

/// Whether a rule asks whose a file is.
fn is_by_owner(model: &Model, rule: &Rule) -> bool {
    let mut asks = false;
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        expr.formula.visit_all(model, &mut |part| {
            if let Some((a, b)) = part.equality() {
                asks |= [(a, b), (b, a)].iter().any(|(of, by)| sorts::is_viewer(by) && of.own_column().is_some());
            }
        });
    }
    asks
}

/// Whether a rule lets a file be written in a folder of which none of the conditions `asked` holds.
fn unasked<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    at: usize,
    (bucket_id, name, bucket, asked): (FieldIx, FieldIx, &SmolStr, &[&'m Formula]),
) -> Verdict {
    let id = right.entity.id;
    let mut act =
        Act::new(context, right, role, &[(id, bucket_id), (id, name)], asked.iter().map(|part| (id, *part, false)));
    let (old, new) = act.rows();
    let mut foreign = Vec::new();
    for row in [old, new].into_iter().flatten() {
        let there = act.world().value(row, bucket_id);
        let there = act.world().equal(&there, &sym(bucket)).yes;
        let holds: Vec<_> = asked.iter().map(|part| act.world().condition(part, &Env::row(row)).yes).collect();
        let holds = act.world().circuit.any(holds);
        foreign.push(act.world().circuit.and(there, !holds));
    }
    let foreign = act.world().circuit.any(foreign);
    let opened = act.opened[at];
    act.decide(&[opened, foreign])
}

fn sym(name: &SmolStr) -> crate::world::Sym {
    crate::world::Sym::of(Val::of_text(name))
}

fn is_own(world: &mut World<'_>, row: RowId, name: FieldIx, nth: u8) -> Lit {
    let viewer = world.session(Source::Viewer);
    let folder = world.folder(row, name, nth);
    world.equal(&folder, &viewer).yes
}

/// Whether a part of a condition looks for a piece of the path that may stand anywhere, or go on.
fn is_loose(part: &Formula, name: FieldIx) -> bool {
    let is_path = |of: &Formula| of.own_column() == Some(name);
    let is_parts = |of: &Formula| files::parts_of(of).is_some_and(is_path);
    match &part.node {
        Node::Form(form) => {
            let operands: Vec<&Formula> = form.parts.iter().filter_map(sorts::operand).collect();
            match (crate::encode::word(form), operands.as_slice()) {
                (Some("like" | "ilike"), [of, pattern]) if is_path(of) => {
                    files::begins(part).is_none() && !is_ending(pattern)
                }
                (Some("= any"), [of, list]) => sorts::constant(of).is_none() && is_parts(list),
                (Some("position"), [_, of]) => is_path(of),
                _ => false,
            }
        }
        Node::Binary(Operator::Other(op), sides) => match op.as_str() {
            "~" | "~*" => is_path(&sides.0) && !sides.1.is_constant(),
            "@>" | "&&" => is_parts(&sides.0) || is_parts(&sides.1),
            _ => false,
        },
        Node::Call(call) if call.declared.is_none() => match (call.function.name.as_str(), call.args.as_slice()) {
            ("starts_with", [(_, of), _]) => is_path(of) && files::begins(part).is_none(),
            ("strpos", [(_, of), _]) => is_path(of),
            _ => false,
        },
        _ => false,
    }
}

/// `'%.png'`: how a name ends, which is no folder.
fn is_ending(pattern: &Formula) -> bool {
    pattern.literal_text().is_some_and(|text| text.starts_with('%') && !text.ends_with('%'))
}
