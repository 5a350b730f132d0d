//! Limits: at most so many rows that satisfy a condition, counted without a race; what is over becomes something else,
//! and gets the place when one is free.
//!
//! All that takes or gives a place first locks what the places belong to: the referenced row, or where there is none, an
//! advisory lock on the limit and its values. The count that follows then sees every row that was let in before.
//!
//! A promotion changes rows that others may hold, so it locks in the order in which they do: first the rows at the head
//! of the queue, then the place (`zz_hold_…`), then it counts and promotes (`zz_promote_…`).

use super::limit_text::{Text, condition_columns};
use super::plpgsql::{changed, has_subquery, spoken};
use super::{Attach, Routine, helper, trigger_function};
use crate::structure::{Room, functions, names, own, table_of};
use crate::types::data_type;
use specc_catalog::{DataType, Dependency, Kind, ObjectId, Param, Qualified, Returns};
use specc_diag::{Diagnostic, codes};
use specc_model::formula::Node;
use specc_model::{Entity, FieldIx, Limit, Model, Relation};

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    for (_, entity) in own(model) {
        for limit in &entity.limits {
            Places { model, entity, limit, owner: owner(model, entity, limit) }.lower(room);
        }
    }
}

/// A limit with all that it is about.
pub(super) struct Places<'a> {
    pub model: &'a Model,
    pub entity: &'a Entity,
    pub limit: &'a Limit,
    pub owner: Owner<'a>,
}

/// What the places belong to, and is locked.
pub(super) enum Owner<'a> {
    /// A referenced row; with the field that says how many places it has, if that is not a fixed number.
    Row { relation: &'a Relation, places: Option<FieldIx> },
    /// Nothing that could be locked: an advisory lock stands for it.
    Nothing,
}

fn owner<'a>(model: &'a Model, entity: &'a Entity, limit: &'a Limit) -> Owner<'a> {
    if let Some((relation, field)) = number_from(model, limit) {
        return Owner::Row { relation, places: Some(field) };
    }
    // Counts on the parent lock it too: one lock for both is one order of locks.
    let whole = |relation: &&Relation| relation.fields.iter().all(|f| limit.per.contains(f));
    match entity.outgoing.iter().map(|id| model.relation(*id)).find(whole) {
        Some(relation) if !model.entity(relation.to).external => Owner::Row { relation, places: None },
        _ => Owner::Nothing,
    }
}

/// The relation and field of `to event.capacity`.
fn number_from<'a>(model: &'a Model, limit: &Limit) -> Option<(&'a Relation, FieldIx)> {
    match &limit.to.formula.bare().node {
        Node::Path(_, steps, field) if steps.len() == 1 => Some((model.relation(steps[0].relation), *field)),
        _ => None,
    }
}

impl Places<'_> {
    fn lower(&self, room: &mut Room) {
        let text = Text::new(self);
        if !self.limit.promote_by.is_empty()
            && let Some(field) = text.not_promoted()
        {
            let message = format!(
                "what `{}` of a promoted row becomes cannot be read from `{}`",
                self.entity.fields[field].name, self.limit.condition.text
            );
            room.out.diagnostics.push(
                Diagnostic::new(codes::BAD_LIMIT, self.limit.span, message)
                    .help("let the condition say it with `=`, such as `status = 'confirmed'`"),
            );
            return;
        }
        self.take(room, &text);
        if !self.limit.promote_by.is_empty() {
            let comment = format!("Takes the locks for a promotion of {}.", self.entity.name.name);
            let hold = self.procedure(room, "hold", text.hold(), comment, true);
            let comment =
                format!("Gives the free places of {} to the {} that wait.", self.limit.name, self.entity.name.name);
            let fill = self.procedure(room, "fill", text.fill(), comment, false);
            self.promote(room, &text, &hold, &fill);
            self.grow(room, &text, &fill);
        }
    }

    /// Before a row takes a place.
    fn take(&self, room: &mut Room, text: &Text) {
        let name = self.limit.name.as_str();
        let (new, old) = (text.satisfied("new"), text.satisfied("old"));
        // A condition that reads other rows cannot stand in `when`.
        let in_body = has_subquery(&new);
        let comes_in = {
            let mut any = vec![format!("({old}) is not true")];
            any.extend(self.limit.per.iter().map(|f| changed(self.entity, *f)));
            any.join(" or ")
        };
        let routine = self.routine(
            room,
            text.take(in_body.then_some((&new, &comes_in))),
            format!("Holds the limit {name} of {}.", self.entity.name.name),
        );
        let function = trigger_function(room, self.entity, &["limit", name], routine, self.limit.span);
        let mut columns = condition_columns(self);
        let insert = Attach::before("insert", &["limit", name, "insert"]);
        let update = Attach::before("update", &["limit", name, "update"]);
        let (insert, update) = if in_body {
            (insert, update)
        } else {
            let when = format!("{new} and ({comes_in})");
            let reading = columns.clone();
            columns.extend(self.limit.per.iter().map(|f| self.entity.fields[*f].name.clone()));
            (insert.when(Some(new)).reading(reading), update.when(Some(when)).reading(columns))
        };
        insert.to(room, self.entity, &function, self.limit.span);
        update.to(room, self.entity, &function, self.limit.span);
    }

    /// A function that is called with the values that places are counted by, and with how many became free.
    fn procedure(&self, room: &mut Room, what: &str, body: String, comment: String, counted: bool) -> Qualified {
        let name = names::helper(self.model, self.entity, &[what, &self.limit.name]);
        let schema = self.model.options.helper_schema.clone();
        let mut function = functions::trigger_function(schema, name, body.as_str().into());
        function.returns = Some(Returns::Type(DataType::builtin("void")));
        function.params = self.params(counted);
        let routine = self.routine(room, body, comment);
        helper(room, self.entity, function, routine, self.limit.span)
    }

    fn params(&self, counted: bool) -> Vec<Param> {
        let param = |name: String, ty| Param { mode: "in".into(), name: name.into(), ty, default: None };
        let per = self.limit.per.iter().map(|f| {
            let field = &self.entity.fields[*f];
            // Without a length: what is passed fits already.
            let ty = DataType { args: Vec::new(), ..data_type(self.model, &field.ty) };
            param(format!("of_{}", field.name), ty)
        });
        let freed = counted.then(|| param("freed".to_owned(), DataType::builtin("bigint")));
        per.chain(freed).collect()
    }

    /// After rows have left their places.
    fn promote(&self, room: &mut Room, text: &Text, hold: &Qualified, fill: &Qualified) {
        let name = self.limit.name.as_str();
        let comment = format!("Promotes {} when places of {name} become free.", self.entity.name.name);
        let routine = self
            .routine(room, text.promote(hold, fill), comment)
            .needs([self.calls(hold, true), self.calls(fill, false)]);
        let function = trigger_function(room, self.entity, &["promote", name], routine, self.limit.span);
        for word in ["hold", "promote"] {
            Attach::after("update", &[word, name, "update"])
                .statement(Some("old_rows"), Some("new_rows"))
                .args([word.into()])
                .to(room, self.entity, &function, self.limit.span);
            Attach::after("delete", &[word, name, "delete"]).statement(Some("old_rows"), None).args([word.into()]).to(
                room,
                self.entity,
                &function,
                self.limit.span,
            );
        }
    }

    /// After the number of places has changed.
    fn grow(&self, room: &mut Room, text: &Text, fill: &Qualified) {
        let Owner::Row { relation, places: Some(places) } = self.owner else { return };
        let target = self.model.entity(relation.to);
        if target.external {
            return;
        }
        let name = self.limit.name.as_str();
        let comment = format!("Promotes {} when {} rises.", self.entity.name.name, spoken(target, places));
        let routine = self.routine(room, text.grow(fill), comment).needs([self.calls(fill, false)]);
        let what = ["fill", &self.entity.name.name, name];
        let function = trigger_function(room, target, &what, routine, self.limit.span);
        Attach::after("update", &["promote", &self.entity.name.name, name])
            .when(Some(changed(target, places)))
            .reading([target.fields[places].name.clone()])
            .to(room, target, &function, self.limit.span);
    }

    fn routine(&self, room: &Room, body: String, comment: String) -> Routine {
        let exprs = [&self.limit.condition].into_iter().chain(self.limit.overflow.iter().map(|(_, e)| e));
        let depends: Vec<_> = exprs.flat_map(|e| room.lookup.of_expr(self.model, e)).collect();
        let routine = Routine::new(body, comment).definer(true).needs(depends).uses(&table_of(self.entity));
        match self.owner {
            Owner::Row { relation, .. } => routine.uses(&table_of(self.model.entity(relation.to))),
            Owner::Nothing => routine,
        }
    }

    fn calls(&self, function: &Qualified, counted: bool) -> Dependency {
        let types: Vec<_> = self.params(counted).iter().map(|p| p.ty.to_string()).collect();
        let id = ObjectId::new(Kind::Function, function.schema.clone(), function.name.clone());
        Dependency::new(id.part(types.join(", ")), "its body calls it")
    }
}
