//! Triggers on tables and views, also on those of the platform if the function that runs is ours.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, Relation, class, letter, maybe, name};
use crate::text::{bare, closing, find};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId, Qualified, SqlExpr, Timing, Trigger};
use specc_sql::quote;

const TRIGGERS: &str = "select t.oid, t.tgrelid, t.tgname::text, t.tgtype, t.tgenabled, t.tgattr::int2[], t.tgargs, \
      t.tgoldtable::text, t.tgnewtable::text, t.tgconstraint <> 0, t.tgdeferrable, t.tginitdeferred, t.tgconstrrelid, \
      t.tgfoid, p.pronamespace, p.proname::text, p.proowner, \
      case when t.tgqual is not null or t.tgconstraint <> 0 then pg_get_triggerdef(t.oid) end \
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid \
    where not t.tgisinternal and t.tgparentid = 0 and t.tgrelid >= 16384";

const ROW: i16 = 1;
const BEFORE: i16 = 2;
const EVENTS: [(i16, &str); 4] = [(4, "insert"), (16, "update"), (8, "delete"), (32, "truncate")];
const INSTEAD: i16 = 64;

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(TRIGGERS, &[])? {
        let (oid, on, function): (u32, u32, u32) = (row.get(0), row.get(1), row.get(13));
        let Some(relation) = reader.relations.get(&on).cloned() else { continue };
        if reader.members.contains_key(&(class::CLASS, on)) || reader.members.contains_key(&(class::TRIGGER, oid)) {
            continue;
        }
        let runs_ours = reader.is_ours(row.get(14), row.get(16), (class::PROC, function));
        if !relation.ours && !runs_ours {
            continue;
        }
        let kind: i16 = row.get(3);
        let columns = || {
            let mut names = relation.names(&row.get::<_, Vec<i16>>(5));
            names.sort();
            names
        };
        let event = |(bit, word): &(i16, &'static str)| {
            (kind & bit != 0)
                .then(|| (SmolStr::new_static(word), if *word == "update" { columns() } else { Vec::new() }))
        };
        let definition = row.get::<_, Option<&str>>(17);
        let constraint: bool = row.get(9);
        let object = Trigger {
            table: relation.table(),
            name: name(&row, 2),
            timing: if kind & BEFORE != 0 {
                Timing::Before
            } else if kind & INSTEAD != 0 {
                Timing::InsteadOf
            } else {
                Timing::After
            },
            events: EVENTS.iter().filter_map(event).collect(),
            per_row: kind & ROW != 0,
            old_table: maybe(&row, 7),
            new_table: maybe(&row, 8),
            when: definition.and_then(condition).map(SqlExpr::new),
            function: Qualified::new(reader.schema_name(row.get(14)), name(&row, 15)),
            args: arguments(row.get(6)),
            constraint,
            initially_deferred: row.get(11),
            enabled: SmolStr::new_static(match letter(&row, 4) {
                'D' => "disabled",
                'R' => "replica",
                'A' => "always",
                _ => "",
            }),
        };
        let deferrable: bool = row.get(10);
        let elsewhere: u32 = row.get(12);
        match definition {
            Some(definition) if constraint && (!deferrable || elsewhere != 0) => {
                whole(reader, oid, &object, definition, elsewhere);
            }
            _ => {
                reader.add((class::TRIGGER, oid), object);
            }
        }
    }
    states(reader)
}

/// Triggers of partitions that are switched otherwise than the one above that they come from.
const STATES: &str = "select c.tgrelid, c.tgname::text, c.tgenabled, p.tgenabled, p.tgrelid, p.tgname::text \
    from pg_trigger c join pg_trigger p on p.oid = c.tgparentid \
    where not c.tgisinternal and c.tgenabled <> p.tgenabled order by c.tgrelid, c.tgname";

fn states(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(STATES, &[])? {
        let relation = |oid: u32| reader.relations.get(&oid).filter(|relation| relation.ours).map(Relation::table);
        let (Some(part), Some(parent)) = (relation(row.get(0)), relation(row.get(4))) else { continue };
        let (name, above) = (name(&row, 1), name(&row, 5));
        let set = |letter: char| {
            let word = match letter {
                'D' => "disable",
                'R' => "enable replica",
                'A' => "enable always",
                _ => "enable",
            };
            let table = quote::qualified(&part.schema, &part.name);
            format!("alter table only {table} {word} trigger {}", quote::ident(&name))
        };
        let mut block = Block::new(format_smolstr!("state of trigger {name} on {}.{}", part.schema, part.name));
        block.up(set(letter(&row, 2))).down(set(letter(&row, 3)));
        block.needs(part.id(), "it is said of a trigger of this table");
        block.needs(parent.part(Kind::Trigger, above), "the trigger comes from this one");
        // What is above a partition may be one itself, whose trigger is set first.
        let higher = format_smolstr!("state of trigger {name} on {}.{}", parent.schema, parent.name);
        block.needs(ObjectId::new(Kind::Sql, "", higher), "it is set on the parts of that too");
        block.add(reader);
    }
    Ok(())
}

/// What is after `WHEN`, which only the whole definition says: it is about two rows.
fn condition(definition: &str) -> Option<SmolStr> {
    let words = " WHEN (";
    let open = find(definition, words)? + words.len() - 1;
    let end = closing(definition, open)?;
    Some(bare(&definition[open..=end]).into())
}

/// Each ends with a zero.
fn arguments(bytes: &[u8]) -> Vec<SmolStr> {
    let text = String::from_utf8_lossy(bytes);
    let mut all: Vec<SmolStr> = text.split('\0').map(Into::into).collect();
    all.pop();
    all
}

/// A constraint trigger that cannot be deferred, or has another table to look at.
fn whole(reader: &mut CatalogReader<'_>, oid: u32, trigger: &Trigger, definition: &str, elsewhere: u32) {
    let table = &trigger.table;
    let (quoted, ident) = (quote::qualified(&table.schema, &table.name), quote::ident(&trigger.name));
    let mut block = Block::new(format_smolstr!("trigger {} on {}.{}", trigger.name, table.schema, table.name));
    block.up(definition).down(format!("drop trigger {ident} on {quoted}"));
    let state = match trigger.enabled.as_str() {
        "disabled" => Some("disable"),
        "replica" => Some("enable replica"),
        "always" => Some("enable always"),
        _ => None,
    };
    if let Some(state) = state {
        block.up(format!("alter table {quoted} {state} trigger {ident}"));
    }
    block.said_of(reader, (class::TRIGGER, oid), &format!("trigger {ident} on {quoted}"));
    block.needs(table.id(), "it fires on this");
    if let Some(other) = reader.relations.get(&elsewhere) {
        block.needs(other.table().id(), "it looks at this table too");
    }
    block.provides(table.part(Kind::Trigger, trigger.name.clone())).says((class::TRIGGER, oid)).add(reader);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_cut_out() {
        let definition = "CREATE TRIGGER \" WHEN (\" BEFORE UPDATE ON public.t FOR EACH ROW \
                          WHEN ((old.a IS DISTINCT FROM new.a)) EXECUTE FUNCTION public.f(' WHEN (')";
        assert_eq!(condition(definition).as_deref(), Some("old.a IS DISTINCT FROM new.a"));
    }

    #[test]
    fn arguments_end_with_a_zero() {
        assert_eq!(arguments(b"a\0\0b c\0"), ["a", "", "b c"]);
        assert!(arguments(b"").is_empty());
    }
}
