//! What holds for the rows of a table whoever writes them, and for what views give.

use super::{Claim, Says, Then};
use crate::book::{Book, RoleColumn, view_name};
use smol_str::SmolStr;
use specc_catalog::{Action, Constraint, Kind, Object, Rule};
use specc_model::{Entity, Relation, TriggerAction, View, Workflow};
use specc_syntax::ast::TriggerTiming;

/// The claims of an entity.
pub fn of_entity(book: &Book<'_>, entity: &Entity) -> Vec<Claim> {
    let on = book.table(entity.id);
    let mut out = Vec::new();
    let writer = book.writer();
    let mut say = |role: &SmolStr, says| out.push(Claim { role: role.clone(), on: on.clone(), says });
    for (at, field) in entity.fields.iter().enumerate() {
        let column = field.name.clone();
        if is_required(book, entity, at) {
            say(&writer, Says::Required { column: column.clone() });
        }
        if field.maintained.is_some() {
            say(&writer, Says::Counted { column });
        } else if field.immutable {
            let others = entity.triggers.iter().any(|trigger| {
                trigger.timing == TriggerTiming::Before
                    && trigger.raises
                    && trigger.events.iter().any(|(event, _)| event == "update")
            });
            say(&writer, Says::Immutable { column, is_first: !others });
        }
    }
    for workflow in &entity.workflows {
        of_workflow(entity, workflow).into_iter().for_each(|says| say(&writer, says));
    }
    if is_soft(book, entity) {
        say(&writer, Says::DeleteHides);
        let bound = |role: &&RoleColumn<'_>| crate::access::is_bound(book, entity, role);
        let sees = |role: &&RoleColumn<'_>| bound(role) && role.rights.columns(&on, "select").has("deleted_at");
        for role in book.roles().iter().filter(sees) {
            say(&role.name, Says::HidesDeleted);
        }
    }
    for id in &entity.outgoing {
        if let Some(says) = goes(book, book.model.relation(*id)) {
            say(&writer, says);
        }
    }
    for (index, _) in &book.objects(entity).indexes {
        let columns: Option<Vec<SmolStr>> = index.keys.iter().map(|key| key.column_name().cloned()).collect();
        say(&writer, Says::Indexed { name: index.name.clone(), columns: columns.unwrap_or_default() });
    }
    out
}

/// Where the rows of a workflow start and end.
fn of_workflow(entity: &Entity, workflow: &Workflow) -> Vec<Says> {
    let column = entity.fields[workflow.field].name.clone();
    let without = |kept: &[SmolStr]| workflow.states.iter().filter(|state| !kept.contains(state)).cloned().collect();
    let mut out = Vec::new();
    if !workflow.initial.is_empty() {
        let (first, others) = (workflow.initial.clone(), without(&workflow.initial));
        out.push(Says::Starts { column: column.clone(), first, others });
    }
    for state in crate::workflows::ends(workflow) {
        let others = without(std::slice::from_ref(state));
        out.push(Says::Ends { column: column.clone(), state: state.clone(), others });
    }
    out
}

/// The sentences about where the rows of a workflow start and end.
pub fn workflow_words(book: &Book<'_>, entity: &Entity, workflow: &Workflow) -> Vec<String> {
    let claim = |says| Claim { role: book.writer(), on: book.table(entity.id), says };
    of_workflow(entity, workflow).into_iter().map(|says| claim(says).words()).collect()
}

/// Whether null, or nothing, is refused: not where a default, the server or a trigger fills it in.
fn is_required(book: &Book<'_>, entity: &Entity, at: usize) -> bool {
    let field = &entity.fields[at];
    let fills = entity
        .triggers
        .iter()
        .any(|trigger| trigger.timing == TriggerTiming::Before && trigger.writes.contains(&(entity.id, at)));
    let counts =
        field.maintained.is_some() || entity.limits.iter().any(|limit| limit.overflow.iter().any(|o| o.0 == at));
    let given = field.generated.is_some() || field.identity.is_some();
    !field.nullable && !given && !counts && !fills && book.default(field).is_none()
}

/// Whether a delete hides its rows.
pub fn is_soft(book: &Book<'_>, entity: &Entity) -> bool {
    let marks = |trigger: &specc_model::Trigger| match &trigger.action {
        TriggerAction::Execute { function, .. } => {
            let is = |f: &&specc_model::Function| f.name == *function && f.meta.area == "std";
            function.name == "soft_delete_row" && book.model.functions.iter().any(|f| is(&f))
        }
        TriggerAction::Body(_) => false,
    };
    entity.triggers.iter().any(marks)
}

/// What a reference does when what it refers to goes.
pub fn deletes(book: &Book<'_>, relation: &Relation) -> Option<Then> {
    let constraint = constraint(book, relation)?;
    let Rule::ForeignKey(key) = &constraint.rule else { return None };
    let cleared = if key.on_delete_columns.is_empty() { &key.columns } else { &key.on_delete_columns };
    Some(match key.on_delete {
        Action::NoAction => Then::RefusedAtEnd { deferred: constraint.deferrable && constraint.initially_deferred },
        Action::Restrict => Then::RefusedAtOnce,
        Action::Cascade => Then::Cascades,
        Action::SetNull => Then::BecomesNull(cleared.clone()),
        Action::SetDefault => Then::BecomesDefault(cleared.clone()),
    })
}

fn constraint<'a>(book: &Book<'a>, relation: &Relation) -> Option<&'a Constraint> {
    let id = book.table(relation.from).part(Kind::Constraint, relation.constraint.clone());
    match &book.catalog.get(&id)?.object {
        Object::Constraint(constraint) => Some(constraint),
        _ => None,
    }
}

fn goes(book: &Book<'_>, relation: &Relation) -> Option<Says> {
    let constraint = constraint(book, relation)?;
    let Rule::ForeignKey(key) = &constraint.rule else { return None };
    Some(Says::Goes {
        constraint: constraint.name.clone(),
        columns: key.columns.clone(),
        target: key.target.clone(),
        target_columns: key.target_columns.clone(),
        then: deletes(book, relation)?,
    })
}

/// The columns of a view.
pub fn of_view(book: &Book<'_>, view: &View) -> Vec<Claim> {
    let on = view_name(view);
    let Some(relation) = book.shown(&on) else { return Vec::new() };
    // In the order of the query, where the model knows it.
    let place = |name: &SmolStr| view.output.iter().position(|(output, _)| output == name).unwrap_or(usize::MAX);
    let mut columns: Vec<_> = relation.columns.iter().collect();
    columns.sort_by_key(|column| place(&column.name));
    let says = |column: &&specc_types::Column| Claim {
        role: book.writer(),
        on: on.clone(),
        says: Says::Shows { column: column.name.clone(), ty: column.ty.clone(), nullable: column.nullable },
    };
    columns.iter().map(says).collect()
}
