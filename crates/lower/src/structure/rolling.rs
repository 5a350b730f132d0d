//! Partitions by the calendar: a migration calls the function that makes them, where something is new for it.
//!
//! The function itself is one of the spec's. What this says of the table stands in the block as a comment: where that changes,
//! the call is made again, and those that are there get what is new.

use super::tables::stated;
use super::{Room, functions, table_of};
use smol_str::SmolStr;
use specc_catalog::{Dependency, Entry, Kind, ObjectId, Sql};
use specc_model::{Entity, Model, Rls, Rolls, Then, rolling_block, rolling_function};
use specc_sql::quote::{dollar, literal, qualified};
use std::fmt::Write;

pub(super) fn lower(room: &mut Room) {
    room.each_entity(|ground, entity, made| {
        let Some(rolls) = entity.partition_by.as_ref().and_then(|by| by.rolls.as_ref()) else { return };
        let model = ground.model;
        let function = rolling_function(&model.options, entity);
        let mut entry = Entry::new(Sql {
            name: rolling_block(&entity.name.schema, &entity.name.name),
            up: up(model, entity, rolls),
            down: Some("-- Partitions that were made stay: they go with their table.\ndo $$ begin end $$;".into()),
            last: false,
            provides: Vec::new(),
        });
        let of = |id, why| Dependency::new(id, why);
        entry.depends = stated(model, entity);
        entry.depends.push(of(table_of(entity).id(), "its partitions are made"));
        let own = model.functions.iter().find(|made| made.name == function);
        entry.depends.extend(own.map(|made| of(functions::id(model, made), "it makes partitions")));
        let parts = entity.partitions.iter();
        entry.depends.extend(parts.map(|part| {
            of(
                ObjectId::new(Kind::Table, part.name.schema.clone(), part.name.name.clone()),
                "what it holds is not made again",
            )
        }));
        entry.area = entity.meta.area.clone();
        made.add(entry, entity.meta.span);
    });
}

fn up(model: &Model, entity: &Entity, rolls: &Rolls) -> SmolStr {
    let function = rolling_function(&model.options, entity);
    let mut says = format!("every {}, {} ahead", rolls.every.word(), rolls.ahead);
    if let Some((number, unit)) = rolls.keep {
        let then = match &rolls.then {
            Then::Detach => "detached".to_owned(),
            Then::Archive(schema) => format!("archived in {schema}"),
            Then::Drop => "dropped".to_owned(),
        };
        let _ = write!(says, ", {then} after {}", unit.interval(number));
    }
    let rls = match entity.rls {
        Rls::Off => "off",
        Rls::On => "on",
        Rls::Forced => "forced",
    };
    let _ = write!(says, "; row level security {rls}");
    for option in &entity.options {
        let _ = write!(says, ", {} = {}", option.name.text, option.value);
    }
    for field in &entity.fields {
        let column = super::tables::column(model, entity, field);
        if let Some(value) = &column.compression {
            let _ = write!(says, ", {} compression {value}", field.name);
        }
        for setting in column.settings() {
            let value = setting.of(&column).unwrap_or_default();
            let _ = write!(says, ", {} {} {value}", field.name, setting.word());
        }
    }
    let call = qualified(&function.schema, &function.name);
    let later = format!("call {call}(now()) again: somebody uses {}.{}", entity.name.schema, entity.name.name);
    let body = format!(
        "begin
  perform {call}(now());
exception when lock_not_available then
  raise warning using message = {};
end",
        literal(&later)
    );
    // A name may have anything in it, and stays in its line.
    let says = says.replace(char::is_control, " ");
    format!("-- Partitions: {says}.\ndo {};", dollar(&format!("\n{body}\n"))).into()
}
