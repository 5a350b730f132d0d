//! What a refusal tells of rows that nobody shows: that one of them is like the new one, or is what it refers to.

use super::{Act, Context, Finding, denied};
use crate::access::{Right, Role};
use crate::circuit::Lit;
use crate::demand::reads;
use crate::encode::Env;
use crate::verdict::Verdict;
use crate::world::Cell;
use specc_diag::{Span, codes};
use specc_facts::{Family, family};
use specc_model::formula::{Formula, Volatility};
use specc_model::{Base, Element, Entity, FieldIx, Model, On, Relation, RuleAction};

pub(super) fn ask<'m>(context: &Context<'m>, entity: &'m Entity, found: &mut Vec<Finding>) {
    // Whose rows nobody shares are not asked, nor tables whose rows belong to nobody.
    let of_somebody = entity.outgoing.iter().any(|id| context.is_tenant(context.model.relation(*id).to, entity.id))
        || !context.owners(entity.id).is_empty();
    if entity.external || !of_somebody {
        return;
    }
    for Set { name, fields, apart, filter, span } in sets(context.model, entity) {
        for (role, command) in
            context.signed_in().flat_map(|role| [(role, RuleAction::Insert), (role, RuleAction::Update)])
        {
            let Some(right) = context.right(entity.id, role, command) else { continue };
            // A value that is made at random, or that nobody chooses, is not guessed. What an update leaves is as it is.
            let chosen = |field: &FieldIx| right.writes(*field) && !is_made(entity, *field);
            let all = if command == RuleAction::Insert { fields.iter().all(chosen) } else { fields.iter().any(chosen) };
            if !all || fields.is_empty() {
                continue;
            }
            let (table, role_name) = (context.name(entity.id), &role.name);
            let by = by(command);
            let claim = format!("{by} `{table}` tells `{role_name}` by {name} of no row that it does not read");
            let wrong =
                format!("{by} `{table}` tells `{role_name}` by {name} whether a row is there that it does not read");
            let is_key = entity.key.as_ref().is_some_and(|key| key.fields == fields);
            let verdict = tells(context, &right, role, (&fields, &apart), filter, is_key);
            found.push(Finding { code: codes::EXISTENCE_ORACLE, entity: table, claim, wrong, verdict, span });
        }
    }
    for relation in entity.outgoing.iter().map(|id| context.model.relation(*id)) {
        let to = context.model.entity(relation.to);
        if !crate::is_guarded(to) || to.external || !relation.to_fields.iter().all(|field| is_guessed(to, *field)) {
            continue;
        }
        for role in context.signed_in() {
            for command in [RuleAction::Insert, RuleAction::Update] {
                let Some(right) = context.right(entity.id, role, command) else { continue };
                if !relation.fields.iter().any(|field| right.writes(*field)) {
                    continue;
                }
                let (table, of, name) = (context.name(entity.id), context.name(relation.to), &role.name);
                let does = by(command);
                let claim = format!("{does} `{table}` tells `{name}` of no row of `{of}` that it does not read");
                let wrong =
                    format!("{does} `{table}` tells `{name}` whether a row of `{of}` is there that it does not read");
                let verdict = refers(context, &right, role, relation);
                let (code, span) = (codes::EXISTENCE_ORACLE, relation.span);
                found.push(Finding { code, entity: table, claim, wrong, verdict, span });
            }
        }
    }
}

fn by(command: RuleAction) -> &'static str {
    if command == RuleAction::Insert { "an insert into" } else { "an update of" }
}

/// Whether values of a column are words, which are guessed.
fn is_guessed(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let made = column.default.as_ref().is_some_and(|default| default.formula.volatility == Volatility::Volatile);
    !made && matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Text)
}

/// Whether a reference is let through to a row that is not read.
fn refers<'m>(context: &Context<'m>, right: &Right<'m>, role: &Role, relation: &Relation) -> Verdict {
    let select = context.right(relation.to, role, RuleAction::Select);
    let columns: Vec<_> = relation.fields.iter().map(|field| (right.entity.id, *field)).collect();
    let mut act = Act::new(context, right, role, &columns, denied(select.as_deref()));
    let (old, new) = (act.rows().0, act.after_row());
    let closed = context.under_closed(&mut act.world, new, relation, select.as_deref());
    let other: Vec<Lit> = match old {
        Some(old) => relation.fields.iter().map(|field| act.world.differs(old, new, *field)).collect(),
        None => vec![Lit::TRUE],
    };
    let other = act.world.circuit.any(other);
    act.decide(&[closed, other])
}

/// Rows of which no two may be alike.
struct Set<'m> {
    name: String,
    /// Two rows are alike that have the same in these.
    fields: Vec<FieldIx>,
    /// And not the same in these.
    apart: Vec<FieldIx>,
    /// Of rows of which this holds.
    filter: Option<&'m Formula>,
    span: Span,
}

/// What is unique or excludes: a key that somebody chooses, constraints and indexes. An expression is the same where all is
/// that it is made of, and so is a column that is computed.
fn sets<'m>(model: &Model, entity: &'m Entity) -> Vec<Set<'m>> {
    let key = entity.key.iter().map(|key| Set {
        name: "the key".to_owned(),
        fields: key.fields.clone(),
        apart: Vec::new(),
        filter: None,
        span: entity.meta.span,
    });
    let uniques = entity.uniques.iter().map(|unique| (&unique.name, &unique.elements, &unique.filter, unique.span));
    let indexes = entity.indexes.iter().filter(|index| index.unique);
    let indexes = indexes.map(|index| (&index.name, &index.elements, &index.filter, index.span));
    let named = uniques.chain(indexes).map(|(name, elements, filter, span)| Set {
        name: format!("`{name}`"),
        fields: made_of(model, entity, elements.iter()),
        apart: Vec::new(),
        filter: filter.as_ref().map(|filter| &filter.formula),
        span,
    });
    let excludes = entity.excludes.iter().filter_map(|exclude| {
        let by = |wanted: &'static [&'static str]| {
            let elements = exclude.elements.iter().filter(move |(_, operator)| wanted.contains(&operator.as_str()));
            elements.map(|(element, _)| element)
        };
        let (same, other) = (by(&["=", "&&", "@>", "<@"]), by(&["<>"]));
        // What another operator compares is not known to be alike.
        let all = same.clone().count() + other.clone().count() == exclude.elements.len();
        all.then(|| Set {
            name: format!("`{}`", exclude.name),
            fields: made_of(model, entity, same),
            apart: made_of(model, entity, other),
            filter: exclude.filter.as_ref().map(|filter| &filter.formula),
            span: exclude.span,
        })
    });
    key.chain(named).chain(excludes).collect()
}

/// The columns that elements are made of, each once.
fn made_of<'m>(model: &Model, entity: &Entity, elements: impl Iterator<Item = &'m Element>) -> Vec<FieldIx> {
    let mut found = Vec::new();
    for element in elements {
        let computed = match &element.on {
            On::Field(field) => entity.fields[*field].generated.as_ref(),
            On::Expr(expr) => Some(expr),
        };
        match computed {
            Some(expr) => found.extend(reads(model, entity.id, &expr.formula).into_iter().map(|(_, field)| field)),
            None => found.extend(element.field()),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether values of a column are made, so that nobody guesses them: a uuid is, whoever makes it.
pub(super) fn is_made(entity: &Entity, field: FieldIx) -> bool {
    let column = &entity.fields[field];
    let random = matches!(&column.ty.base, Base::Builtin(name) if family(name) == Family::Uuid);
    column.identity.is_some() || random && column.relation.is_none()
}

/// Whether a row that is not read is like the new one, by columns that are the same, and columns that are not.
fn tells<'m>(
    context: &Context<'m>,
    right: &Right<'m>,
    role: &Role,
    (fields, apart): (&[FieldIx], &[FieldIx]),
    filter: Option<&'m Formula>,
    is_key: bool,
) -> Verdict {
    let entity = right.entity.id;
    let select = context.right(entity, role, RuleAction::Select);
    let columns: Vec<_> = fields.iter().chain(apart).map(|field| (entity, *field)).collect();
    // Both rows are among those that it is about.
    let about = filter.into_iter().flat_map(|filter| [(entity, filter, true); 2]);
    let others = denied(select.as_deref()).into_iter().chain(about);
    let mut act = Act::new(context, right, role, &columns, others);
    act.world.clash = true;
    let new = act.after_row();
    let old = act.rows().0;
    let Some(other) = act.world.table(entity).into_iter().find(|row| Some(*row) != old) else {
        return Verdict::Proven { rows: 0 };
    };
    let mut alike = vec![act.world.rows[other].exists];
    for field in fields {
        let (a, b) = (act.world.value(new, *field), act.world.value(other, *field));
        alike.push(match act.world.cell(new, *field) {
            Cell::Value(_) => act.world.equal(&a, &b).yes,
            _ => !act.world.differs(new, other, *field),
        });
    }
    for field in apart {
        alike.push(act.world.differs(new, other, *field));
    }
    for row in filter.iter().flat_map(|_| [new, other]) {
        let about = filter.map(|filter| act.world.condition(filter, &Env::row(row)).yes);
        alike.extend(about);
    }
    let seen = select.as_ref().map_or(Lit::FALSE, |select| select.reaches(&mut act.world, other).0);
    alike.push(!seen);
    if is_key {
        // What is there beside her own is no news to her.
        alike.push(!context.touches(&mut act.world, other));
    }
    act.decide(&alike)
}
