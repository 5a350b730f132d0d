//! Immutable fields: one function refuses, a trigger for each entity says which columns it is about.

use super::plpgsql::{by_hand, differs};
use super::{Attach, Routine, helper};
use crate::structure::functions::trigger_function;
use crate::structure::{Room, own};
use specc_catalog::Qualified;
use specc_model::{Entity, FieldIx, Model};
use specc_syntax::ast::RefActionKind;

const REFUSE: &str = r"
<<refuse>>
declare
  changed text := tg_argv[0];
  name text;
begin
  -- The trigger fires only when one of the columns it names has changed; the first of them is reported.
  foreach name in array tg_argv loop
    if (to_json(old) -> refuse.name)::text is distinct from (to_json(new) -> refuse.name)::text then
      refuse.changed := refuse.name;
      exit;
    end if;
  end loop;
  raise exception '%.% cannot be changed', tg_table_name, refuse.changed
    using errcode = 'check_violation',
          hint = 'it is immutable: leave it out of the update, or make a new row',
          schema = tg_table_schema, table = tg_table_name, column = refuse.changed;
end
";

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    let mut function = None;
    for (_, entity) in own(model) {
        let fields: Vec<FieldIx> = (0..entity.fields.len()).filter(|f| entity.fields[*f].immutable).collect();
        if fields.is_empty() {
            continue;
        }
        let function = function.get_or_insert_with(|| refuse_change(room, entity)).clone();
        let when: Vec<_> = fields.iter().map(|f| refused(model, entity, *f)).collect();
        let columns: Vec<_> = fields.iter().map(|f| entity.fields[*f].name.clone()).collect();
        let span = entity.fields[fields[0]].meta.span;
        Attach::before("update", &["refuse_change"])
            .when(Some(when.join(" or ")))
            .reading(columns.iter().cloned())
            .args(columns)
            .to(room, entity, &function, span);
    }
}

fn refuse_change(room: &mut Room, entity: &Entity) -> Qualified {
    let schema = room.model.options.helper_schema.clone();
    let body = match room.model.person {
        Some(_) => REFUSE.replacen("begin\n", &format!("begin\n{}", specc_model::let_through(&room.model.options)), 1),
        None => REFUSE.to_owned(),
    };
    let function = trigger_function(schema, "refuse_immutable_change".into(), body.as_str().into());
    let routine = Routine::new(body, "Refuses a change of the columns that the trigger names.");
    helper(room, entity, function, routine, entity.meta.span)
}

/// When a change is refused. What a foreign key's own action does (it runs below the level of the statement) is let
/// through: refusing it would refuse the deletion of the parent.
fn refused(model: &Model, entity: &Entity, field: FieldIx) -> String {
    let is_changed = differs(model, entity, field);
    let name = super::plpgsql::column(entity, field);
    let relations = || {
        let outgoing = entity.outgoing.iter().map(|id| &model.relation(*id).fields).zip(&entity.outgoing);
        outgoing.filter(|(fields, _)| fields.contains(&field)).map(|(_, id)| &model.relation(*id).options)
    };
    let does = |kind: RefActionKind| {
        relations().any(|o| [&o.on_delete, &o.on_update].into_iter().flatten().any(|action| action.kind == kind))
    };
    let follows = relations().any(|o| o.on_update.as_ref().is_some_and(|a| a.kind == RefActionKind::Cascade));
    if follows || does(RefActionKind::SetDefault) {
        format!("({is_changed} and {})", by_hand(model, entity))
    } else if does(RefActionKind::SetNull) {
        format!("({is_changed} and (new.{name} is not null or {}))", by_hand(model, entity))
    } else {
        is_changed
    }
}
