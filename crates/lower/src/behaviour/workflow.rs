//! Workflows: which state may follow which.

use super::plpgsql::{
    changed, column, equals, has_subquery, indented, message, no_placeholders, over, over_looked_up, spoken, type_name,
};
use super::{Attach, Routine, trigger_function};
use crate::structure::{Room, own};
use smol_str::SmolStr;
use specc_model::{Entity, Expr, Model, Step, Workflow};
use specc_sql::quote::literal;

pub(super) fn lower(room: &mut Room) {
    for (_, entity) in own(room.model) {
        for workflow in &entity.workflows {
            lower_one(room, entity, workflow);
        }
    }
}

fn lower_one(room: &mut Room, entity: &Entity, workflow: &Workflow) {
    let model = room.model;
    let field = &entity.fields[workflow.field];
    let name = column(entity, workflow.field);
    let plain = body(model, entity, workflow, false);
    let guards = || workflow.steps.iter().filter_map(|step| step.when.as_deref());
    let depends: Vec<_> = guards().flat_map(|guard| room.lookup.of_expr(model, guard)).collect();
    let reads_rows = has_subquery(&plain);
    // Without the owner's rights its names are looked up as whoever writes.
    let body = if reads_rows { plain } else { body(model, entity, workflow, true) };
    let routine = Routine::new(body, format!("Holds the workflow of {}.", spoken(entity, workflow.field)))
        .definer(reads_rows)
        .needs(depends)
        .reads(guards());
    let what = ["workflow", &field.name];
    let function = trigger_function(room, entity, &what, routine, workflow.span);
    if !workflow.initial.is_empty() {
        Attach::before("insert", &[what[0], what[1], "start"])
            .when(Some(match workflow.initial.as_slice() {
                [only] => format!("new.{name} <> {}", literal(only)),
                several => format!("new.{name} not in ({})", literals(several)),
            }))
            .reading([field.name.clone()])
            .to(room, entity, &function, workflow.span);
    }
    Attach::before("update", &what)
        .when(Some(changed(model, entity, workflow.field)))
        .reading([field.name.clone()])
        .to(room, entity, &function, workflow.span);
}

fn body(model: &Model, entity: &Entity, workflow: &Workflow, looked_up: bool) -> String {
    let field = &entity.fields[workflow.field];
    let name = column(entity, workflow.field);
    let equals = equals(model, entity, workflow.field);
    // A label is text, unless the type has an equality of its own.
    let is_allowed = match equals.as_str() {
        "=" => format!("new.{name}::text = any (allowed)"),
        equals => format!("new.{name} {equals} any (allowed::{}[])", type_name(model, &field.ty)),
    };
    let spoken = no_placeholders(&spoken(entity, workflow.field));
    let place = format!("schema = tg_table_schema, table = tg_table_name, column = {}", literal(&field.name));

    let start = if workflow.initial.is_empty() {
        String::new()
    } else {
        format!(
            "
  -- The trigger has found the state of a new row not to be one of the first.
  if tg_op = 'INSERT' then
    raise exception {message}, new.{name}
      using errcode = 'check_violation', hint = {hint},
            {place};
  end if;
",
            message = message(&format!("{spoken} cannot start as %")),
            hint = literal(&format!("a new row starts as {}", workflow.initial.join(" or "))),
        )
    };

    let mut cases = String::new();
    if field.nullable {
        let first = if workflow.initial.is_empty() { &workflow.states } else { &workflow.initial };
        cases.push_str(&format!("\n    when old.{name} is null then array[{}]", literals(first)));
    }
    for state in &workflow.states {
        let steps: Vec<&Step> = workflow.steps.iter().filter(|step| step.from == *state).collect();
        if !steps.is_empty() {
            let next = next_states(model, entity, &steps, looked_up);
            cases.push_str(&format!("\n    when old.{name} {equals} {} then {}", literal(state), indented(&next, 4)));
        }
    }
    let allowed = if cases.is_empty() { "'{}'".to_owned() } else { format!("case{cases}\n    else '{{}}'\n  end") };
    let comment = if workflow.steps.iter().any(|step| step.when.is_some()) {
        "-- Where the row can go from where it is; a step with a condition counts while the condition holds."
    } else {
        "-- Where the row can go from where it is."
    };
    format!(
        "
declare
  allowed text[];
begin{start}
  {comment}
  allowed := {allowed};
  if {is_allowed} then
    return new;
  end if;
  raise exception {message}, old.{name}, new.{name}
    using errcode = 'check_violation',
          hint = case
            when allowed = '{{}}' then 'no step leads on from here'
            else 'allowed from here: ' || array_to_string(allowed, ', ')
          end,
          {place};
end
",
        message = message(&format!("{spoken} cannot go from % to %")),
    )
}

/// The states that the steps lead to, as an array.
fn next_states(model: &Model, entity: &Entity, steps: &[&Step], looked_up: bool) -> String {
    if steps.iter().all(|step| step.when.is_none()) {
        let states: Vec<_> = steps.iter().map(|step| step.to.clone()).collect();
        return format!("array[{}]", literals(&states));
    }
    let states = steps.iter().map(|step| match &step.when {
        None => literal(&step.to),
        Some(guard) => format!("case when {} then {} end", value(model, entity, guard, looked_up), literal(&step.to)),
    });
    format!("array_remove(array[\n  {}\n], null)", states.collect::<Vec<_>>().join(",\n  "))
}

fn value(model: &Model, entity: &Entity, guard: &Expr, looked_up: bool) -> String {
    match looked_up {
        true => over_looked_up(model, entity, "new", guard),
        false => over(model, entity, "new", guard),
    }
}

fn literals(states: &[SmolStr]) -> String {
    states.iter().map(|state| literal(state)).collect::<Vec<_>>().join(", ")
}
