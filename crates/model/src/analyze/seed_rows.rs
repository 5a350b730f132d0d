//! What is known of seed rows, and what their own tables refuse of them.
//!
//! A row that cannot be put in stops the first migration, or the seeds of an environment, half way. What is a constant is held
//! against what the spec says of rows here; the rest only the database can say.

use crate::known::{Known, KnownRow};
use crate::types::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};
use specc_diag::{Diagnostic, Span, codes};

/// The rows of an environment, and those of `base`, which are in every one.
pub(super) struct Rows<'m> {
    model: &'m Model,
    pub all: Vec<&'m SeedRow>,
    labels: FxHashMap<(EntityId, &'m str), &'m SeedRow>,
}

impl<'m> Rows<'m> {
    pub fn of(model: &'m Model, set: &'m SeedSet) -> Self {
        let base = model.seeds.iter().filter(|other| other.env == "base" && set.env != "base");
        let all: Vec<&SeedRow> = base.chain([set]).flat_map(|set| &set.rows).collect();
        let named = all.iter().filter_map(|row| Some(((row.entity, row.label.as_deref()?), *row)));
        Self { model, labels: named.collect(), all }
    }

    /// The value that a row will have in a field, where that is known: given, by default, or none.
    pub fn value(&self, row: &SeedRow, at: FieldIx) -> Option<Known> {
        self.value_within(row, at, 8)
    }

    fn value_within(&self, row: &SeedRow, at: FieldIx, depth: u8) -> Option<Known> {
        let entity = self.model.entity(row.entity);
        let field = &entity.fields[at];
        let known = match row.fields.iter().find(|(field, _)| *field == at) {
            Some((_, SeedValue::Expr(expr))) => self.constant(expr, &field.ty)?,
            Some((_, SeedValue::Label { entity: to, label })) => {
                let named = Known::Named(format_smolstr!("{}:{label}", to.0));
                let other = self.labels.get(&(*to, label.as_str())).filter(|_| depth > 0);
                let target = self.target(entity, at, *to);
                let found = other.zip(target).and_then(|(other, field)| self.value_within(other, field, depth - 1));
                found.unwrap_or(named)
            }
            Some(_) => return None,
            None => {
                let made = field.generated.is_some() || field.identity.is_some() || field.maintained.is_some();
                // The others of a reference over several columns follow the one that names the row.
                let follows = entity.outgoing.iter().map(|id| self.model.relation(*id)).any(|relation| {
                    let named = |other: &FieldIx| {
                        let value = row.fields.iter().find(|(field, _)| field == other);
                        !matches!(value, None | Some((_, SeedValue::Expr(_))))
                    };
                    relation.fields.contains(&at) && relation.fields.iter().any(named)
                });
                if made || follows || self.has_domain_default(&field.ty) {
                    return None;
                }
                match &field.default {
                    Some(default) => self.constant(default, &field.ty)?,
                    None => field.nullable.then_some(Known::Null)?,
                }
            }
        };
        // What else is equal there, the collation says.
        let collated = field.collation.is_some() || self.domains(&field.ty).any(|domain| domain.collation.is_some());
        Some(match known {
            Known::Text(text) if collated => Known::Named(format_smolstr!("={text}")),
            known => known,
        })
    }

    /// A constant; of one that only the server can read it is known that it is equal to itself.
    fn constant(&self, expr: &Expr, ty: &Type) -> Option<Known> {
        let row = KnownRow { model: self.model, field: &|_| None, value: None };
        let text = || expr.formula.literal_text().map(SmolStr::from);
        let text = || text().or_else(|| expr.formula.is_constant().then(|| expr.text.clone()));
        row.value(&expr.formula, ty).or_else(|| Some(Known::Named(format_smolstr!("={}", text()?))))
    }

    /// The field of an entity that a reference to it leads to.
    fn target(&self, entity: &Entity, at: FieldIx, to: EntityId) -> Option<FieldIx> {
        let relations = entity.outgoing.iter().map(|id| self.model.relation(*id)).filter(|it| it.to == to);
        let mut targets =
            relations.filter_map(|it| it.fields.iter().position(|own| *own == at).map(|nth| it.to_fields[nth]));
        targets.next().or_else(|| self.model.entity(to).key.as_ref().and_then(|key| key.fields.first().copied()))
    }

    fn domains(&self, ty: &'m Type) -> impl Iterator<Item = &'m Domain> {
        let of = |ty: &'m Type| match &ty.base {
            Base::Domain(id) if ty.dims == 0 => self.model.domains.get(id.0 as usize),
            _ => None,
        };
        std::iter::successors(of(ty), move |domain| of(&domain.base)).take(32)
    }

    fn has_domain_default(&self, ty: &'m Type) -> bool {
        self.domains(ty).any(|domain| domain.default.is_some())
    }

    /// Where a value stands; the row where it gives none.
    fn place(&self, row: &SeedRow, at: FieldIx) -> Span {
        let given = row.fields.iter().find(|(field, _)| *field == at);
        given.map_or(row.span, |(_, value)| match value {
            SeedValue::Expr(expr) => expr.span,
            _ => row.span,
        })
    }
}

/// Reports rows that cannot be put in.
pub(super) fn check(model: &Model, filled: &FxHashSet<EntityId>, out: &mut Vec<Diagnostic>) {
    for set in &model.seeds {
        let rows = Rows::of(model, set);
        for row in &set.rows {
            let entity = model.entity(row.entity);
            // What is somebody else's, or given values by a trigger before it is stored, is not known.
            if !entity.external && !filled.contains(&entity.id) {
                let found = Look { model, rows: &rows, row, entity }.refused();
                out.extend(found);
            }
        }
        limits(model, &rows, filled, set, out);
    }
}

/// A row, and what it is held against.
struct Look<'a, 'm> {
    model: &'m Model,
    rows: &'a Rows<'m>,
    row: &'m SeedRow,
    entity: &'m Entity,
}

impl Look<'_, '_> {
    fn known<T>(&self, value: Option<Known>, ask: impl FnOnce(&KnownRow<'_>) -> T) -> T {
        let field = |at: FieldIx| self.rows.value(self.row, at);
        ask(&KnownRow { model: self.model, field: &field, value })
    }

    /// The first thing that its table refuses.
    fn refused(&self) -> Option<Diagnostic> {
        self.domain()
            .or_else(|| self.check())
            .or_else(|| self.state())
            .or_else(|| self.part())
            .or_else(|| self.reference())
    }

    fn said(&self, at: Option<FieldIx>, message: String) -> Diagnostic {
        let span = at.map_or(self.row.span, |at| self.rows.place(self.row, at));
        Diagnostic::new(codes::SEED_REFUSED, span, message)
    }

    /// Of these fields the first one whose value the row gives.
    fn given(&self, fields: &[FieldIx]) -> Option<FieldIx> {
        let mut given = self.row.fields.iter().map(|(at, _)| *at).filter(|at| fields.contains(at));
        given.next()
    }

    fn domain(&self) -> Option<Diagnostic> {
        self.row.fields.iter().find_map(|(at, _)| {
            let field = &self.entity.fields[*at];
            let value = self.rows.value(self.row, *at).filter(|value| *value != Known::Null)?;
            let (domain, check) = self.rows.domains(&field.ty).find_map(|domain| {
                let refuses = |check: &&Check| self.known(Some(value.clone()), |row| row.refuses(&check.expr.formula));
                Some((domain, domain.checks.iter().find(refuses)?))
            })?;
            let message = format!("`{}` is no `{}`: its check refuses the value", field.name, domain.name.name);
            let found = self.said(Some(*at), message).also(check.span, "this check");
            Some(found.help("give it a value for which the check holds"))
        })
    }

    fn check(&self) -> Option<Diagnostic> {
        let refuses = |check: &&Check| self.known(None, |row| row.refuses(&check.expr.formula));
        let check = self.entity.checks.iter().find(refuses)?;
        let read: Vec<FieldIx> = check.expr.formula.columns().into_iter().map(|(_, at)| at).collect();
        let message = format!("a check of `{}` refuses this row: `{}`", self.entity.name.name, check.expr.text);
        let found = self.said(self.given(&read), message).also(check.span, "this check");
        Some(found.help("give the row values for which the check holds"))
    }

    fn state(&self) -> Option<Diagnostic> {
        self.entity.workflows.iter().filter(|workflow| !workflow.initial.is_empty()).find_map(|workflow| {
            let field = &self.entity.fields[workflow.field];
            let is_wrong = |value: &Known| {
                let first = workflow.initial.iter().map(|state| Known::read(self.model, state, &field.ty));
                *value != Known::Null && first.map(|state| state?.equals(value)).all(|is| is == Some(false))
            };
            let given = self.row.fields.iter().find(|(at, _)| *at == workflow.field).map(|(_, value)| value);
            let wrong = match given {
                // Any of them may be drawn.
                Some(SeedValue::OneOf(list)) => {
                    list.iter().filter_map(|expr| self.rows.constant(expr, &field.ty)).any(|value| is_wrong(&value))
                }
                _ => self.rows.value(self.row, workflow.field).is_some_and(|value| is_wrong(&value)),
            };
            let names = workflow.initial.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>().join(" or ");
            let message = format!("`{}` of a new row of `{}` starts as {names}", field.name, self.entity.name.name);
            let found = self.said(Some(workflow.field), message).also(workflow.span, "this workflow");
            let help = "let the row start there; or name its state among the first ones of the workflow: `-> …`";
            wrong.then(|| found.help(help))
        })
    }

    /// No partition takes it.
    fn part(&self) -> Option<Diagnostic> {
        let by = self.entity.partition_by.as_ref().filter(|by| by.rolls.is_none())?;
        let fields: Vec<FieldIx> = by.elements.iter().map(Element::field).collect::<Option<_>>()?;
        let key: Vec<Known> = fields.iter().map(|at| self.rows.value(self.row, *at)).collect::<Option<_>>()?;
        let types: Vec<&Type> = fields.iter().map(|at| &self.entity.fields[*at].ty).collect();
        let takes = |part: &Partition| match &part.bounds {
            Bounds::Default | Bounds::Hash { .. } => Some(true),
            Bounds::List(list) => {
                let mut all = list.iter().map(|expr| match (self.rows.constant(expr, types[0])?, &key[0]) {
                    (Known::Null, value) => Some(*value == Known::Null),
                    (_, Known::Null) => Some(false),
                    (one, value) => one.equals(value),
                });
                all.try_fold(false, |any, is| Some(any | is?))
            }
            Bounds::Range { from, to } => {
                if key.contains(&Known::Null) {
                    return Some(false);
                }
                Some(self.after(&key, from, &types)?.is_ge() && self.after(&key, to, &types)?.is_lt())
            }
        };
        let refused = self.entity.partitions.iter().map(takes).all(|takes| takes == Some(false));
        let at = self.given(&fields);
        let name = &self.entity.name.name;
        let found = self.said(at, format!("no partition of `{name}` takes this row")).also(by.span, "divided here");
        refused.then(|| found.help("add a partition that has a place for it, or one that takes the rest: `default`"))
    }

    /// Where a row stands to a bound.
    fn after(&self, key: &[Known], bound: &[ExprRef], types: &[&Type]) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        for ((value, bound), ty) in key.iter().zip(bound).zip(types) {
            match bound.text.to_ascii_lowercase().as_str() {
                "minvalue" => return Some(Greater),
                "maxvalue" => return Some(Less),
                _ => {}
            }
            match value.order(&self.rows.constant(bound, ty)?)? {
                Equal => {}
                other => return Some(other),
            }
        }
        Some(Equal)
    }

    /// It refers to a row that nobody makes.
    fn reference(&self) -> Option<Diagnostic> {
        let relations = self.entity.outgoing.iter().map(|id| self.model.relation(*id));
        relations.filter(|relation| !self.may_be_made(relation.to)).find_map(|relation| {
            let spelled = |at: &FieldIx| {
                self.row.fields.iter().any(|(field, value)| field == at && matches!(value, SeedValue::Expr(_)))
            };
            let key: Vec<Known> =
                relation.fields.iter().map(|at| self.rows.value(self.row, *at)).collect::<Option<_>>()?;
            if !relation.fields.iter().any(spelled) || key.contains(&Known::Null) {
                return None;
            }
            let is_other = |row: &&SeedRow| {
                let mut pairs = relation.to_fields.iter().zip(&key);
                pairs.any(|(at, wanted)| self.rows.value(row, *at).and_then(|is| is.equals(wanted)) == Some(false))
                    || self.is_made_up(row, relation)
            };
            let mut others = self.rows.all.iter().filter(|row| row.entity == relation.to);
            let target = &self.model.entity(relation.to).name.name;
            let message = format!("this row refers to a row of `{target}` that no seed makes");
            let help = format!("add that row of `{target}` to the same seed, and refer to it by a label");
            others.all(is_other).then(|| self.said(self.given(&relation.fields), message).help(help))
        })
    }

    /// A row whose key is made from its label, which nobody can have written.
    fn is_made_up(&self, row: &SeedRow, relation: &Relation) -> bool {
        let to = self.model.entity(relation.to);
        let [at] = relation.to_fields.as_slice() else { return false };
        let is_uuid = matches!(&self.model.under(&to.fields[*at].ty).base, Base::Builtin(name) if name == "uuid");
        is_uuid
            && to.key.as_ref().is_some_and(|key| key.fields == [*at])
            && to.fields[*at].relation.is_none()
            && row.fields.iter().all(|(field, _)| field != at)
    }

    /// Whether rows of an entity may come from somewhere else than the seeds when these are put in.
    fn may_be_made(&self, id: EntityId) -> bool {
        let entity = self.model.entity(id);
        let writes = |trigger: &Trigger| match &trigger.action {
            TriggerAction::Body(_) => trigger.writes.iter().any(|(entity, _)| *entity == id),
            TriggerAction::Execute { function, .. } => self
                .model
                .functions
                .iter()
                .filter(|other| other.name == *function)
                .all(|other| other.writes.iter().any(|(entity, _)| *entity == id)),
        };
        entity.external
            || !entity.origins.is_empty()
            || !self.model.sql_blocks.is_empty()
            || self.model.entities.iter().flat_map(|entity| &entity.triggers).any(writes)
    }
}

/// More rows than a limit lets in, where it has no other place for them.
fn limits(model: &Model, rows: &Rows<'_>, filled: &FxHashSet<EntityId>, set: &SeedSet, out: &mut Vec<Diagnostic>) {
    let entities = model.entities.iter().filter(|entity| !filled.contains(&entity.id));
    for (entity, limit) in entities.flat_map(|entity| entity.limits.iter().map(move |limit| (entity, limit))) {
        if !limit.overflow.is_empty() {
            continue;
        }
        let mut taken: FxHashMap<Vec<Known>, i128> = FxHashMap::default();
        for row in rows.all.iter().filter(|row| row.entity == entity.id && !row.large) {
            let field = |at: FieldIx| rows.value(row, at);
            let known = KnownRow { model, field: &field, value: None };
            if known.holds(&limit.condition.formula) != Some(true) {
                continue;
            }
            let Some(key) = limit.per.iter().map(|at| field(*at)).collect::<Option<Vec<_>>>() else { continue };
            let Some(Known::Number(places, 0)) = places(model, rows, row, limit) else { continue };
            if key.contains(&Known::Null) {
                continue;
            }
            let taken = taken.entry(key).or_default();
            let before = *taken;
            *taken += i128::from(row.count.unwrap_or(1));
            // Those of `base` are said there.
            let is_own = set.rows.iter().any(|own| std::ptr::eq(own, *row));
            if before <= places && *taken > places && is_own {
                let message = format!(
                    "the limit `{}` of `{}` has {places} places, and this row is one more",
                    limit.name, entity.name.name
                );
                let found = Diagnostic::new(codes::SEED_REFUSED, row.span, message).also(limit.span, "this limit");
                out.push(found.help("leave the row out, or raise the number of places"));
            }
        }
    }
}

/// How many places there are for a row.
fn places(model: &Model, rows: &Rows<'_>, row: &SeedRow, limit: &Limit) -> Option<Known> {
    use crate::formula::Node;
    let formula = limit.to.formula.bare();
    let Node::Path(_, steps, field) = &formula.node else {
        return KnownRow { model, field: &|at| rows.value(row, at), value: None }.value(formula, &formula.ty);
    };
    let [step] = &**steps else { return None };
    let relation = model.relation(step.relation);
    let key: Vec<Known> = relation.fields.iter().map(|at| rows.value(row, *at)).collect::<Option<_>>()?;
    let named = |other: &&&SeedRow| {
        let label = other.label.as_ref().map(|label| Known::Named(format_smolstr!("{}:{label}", other.entity.0)));
        other.entity == relation.to
            && relation.to_fields.iter().zip(&key).all(|(at, wanted)| {
                label.as_ref() == Some(wanted) || rows.value(other, *at).and_then(|is| is.equals(wanted)) == Some(true)
            })
    };
    let owner = rows.all.iter().find(named)?;
    rows.value(owner, *field)
}

/// Reports rows that have one key, or one value of what is unique; each environment has the rows of `base` too.
pub(super) fn keys(model: &Model, out: &mut Vec<Diagnostic>) {
    let mut base: FxHashMap<(EntityId, usize, Vec<Known>), Span> = FxHashMap::default();
    for set in &model.seeds {
        let rows = Rows::of(model, set);
        let mut seen = base.clone();
        for row in &set.rows {
            let entity = model.entity(row.entity);
            let field = |at: FieldIx| rows.value(row, at);
            let known = KnownRow { model, field: &field, value: None };
            let speaks = |set: &UniqueSet<'_>| set.filter.is_none_or(|it| known.holds(&it.formula) == Some(true));
            let sets = entity.unique_sets().enumerate().filter(|(_, set)| speaks(set));
            for (at, fields) in sets.filter_map(|(at, set)| Some((at, set.fields?))) {
                let values: Option<Vec<Known>> =
                    fields.iter().map(|at| field(*at).filter(|value| *value != Known::Null)).collect();
                let Some(values) = values.filter(|values| !values.is_empty()) else { continue };
                let names: Vec<&str> = fields.iter().map(|field| entity.fields[*field].name.as_str()).collect();
                let names: SmolStr = names.join(", ").into();
                let several = row.count.is_some_and(|count| count > 1);
                let first = seen.insert((row.entity, at, values), row.span).or(several.then_some(row.span));
                if let Some(first) = first {
                    let is_key = entity.key.as_ref().is_some_and(|key| key.fields == fields);
                    let what = if is_key { "key" } else { "unique value" };
                    let message = format!("two rows of `{}` have one {what}: `{names}`", entity.name.name);
                    let found = Diagnostic::new(codes::SEED_DUPLICATE, row.span, message);
                    let found = if first == row.span { found } else { found.also(first, "the other row") };
                    out.push(found.help("give each row its own value"));
                    break;
                }
            }
        }
        if set.env == "base" {
            base = seen;
        }
    }
}
