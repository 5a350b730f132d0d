//! Sequences, also those behind identity columns.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, maybe};
use rustc_hash::FxHashMap;
use smol_str::format_smolstr;
use specc_catalog::{DataType, Kind, ObjectId, Sequence, SequenceOptions, sequence_of};
use specc_sql::quote;

const SEQUENCES: &str = "select s.seqrelid, s.seqtypid, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, \
      c.relpersistence = 'u', d.deptype = 'i', d.refobjid, d.refobjsubid, a.attname::text \
    from pg_sequence s join pg_class c on c.oid = s.seqrelid \
    left join pg_depend d on d.classid = 1259 and d.objid = s.seqrelid and d.refclassid = 1259 and d.refobjsubid > 0 \
      and d.deptype in ('a', 'i') \
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
    where c.relpersistence <> 't'";

/// The numbers of identity columns, by table and column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identities(FxHashMap<(u32, i16), SequenceOptions>);

impl Identities {
    pub fn get(&self, table: u32, column: i16) -> SequenceOptions {
        self.0.get(&(table, column)).cloned().unwrap_or_default()
    }
}

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut identities = Identities::default();
    for row in reader.query(SEQUENCES, &[])? {
        let (oid, ty): (u32, u32) = (row.get(0), row.get(1));
        let Some(relation) = reader.relations.get(&oid) else { continue };
        if !relation.ours {
            continue;
        }
        let ty = reader.types.data_type(ty, -1, None);
        let owner: Option<(u32, i16)> =
            row.get::<_, Option<u32>>(10).zip(row.get::<_, Option<i32>>(11).map(|n| n as i16));
        let numbers = Numbers {
            start: row.get(2),
            increment: row.get(3),
            min: row.get(4),
            max: row.get(5),
            cache: row.get(6),
            cycle: row.get(7),
        };
        let options = numbers.options(&ty.name);
        if row.get::<_, Option<bool>>(9) == Some(true) {
            if let Some(owner) = owner {
                identities.0.insert(owner, options);
                reader.identity_sequences.insert(oid, owner);
                if let Some(column) = maybe(&row, 12) {
                    of_identity(reader, oid, owner.0, &column);
                }
            }
            continue;
        }
        let table = owner.and_then(|(table, _)| reader.relations.get(&table)).map(|table| table.table());
        let owned_by = table.zip(maybe(&row, 12));
        let (schema, name) = (relation.schema.clone(), relation.name.clone());
        let object = Sequence {
            schema: schema.clone(),
            name: name.clone(),
            ty: (ty != DataType::builtin("bigint")).then_some(ty),
            options,
            owned_by,
        };
        reader.add((class::CLASS, oid), object);
        if row.get::<_, bool>(8) {
            let quoted = quote::qualified(&schema, &name);
            let mut block = Block::new(format_smolstr!("unlogged sequence {schema}.{name}"));
            block.up(format!("alter sequence {quoted} set unlogged"));
            block.down(format!("alter sequence {quoted} set logged"));
            block.needs(ObjectId::new(Kind::Sequence, schema, name), "it is said of this sequence").add(reader);
        }
    }
    reader.identities = identities;
    Ok(())
}

/// The sequence of an identity column is no object, but it may be called something else than Postgres would call it, and
/// have a comment.
fn of_identity(reader: &mut CatalogReader<'_>, oid: u32, table: u32, column: &str) {
    let (Some(sequence), Some(table)) = (reader.relations.get(&oid), reader.relations.get(&table)) else { return };
    let (schema, name, table) = (sequence.schema.clone(), sequence.name.clone(), table.table());
    let quoted = quote::qualified(&schema, &name);
    let id = ObjectId::new(Kind::Sequence, schema.clone(), name.clone());
    let usual = sequence_of(&table, column).name;
    if name != usual {
        let mut block = Block::new(format_smolstr!("name of sequence {schema}.{name}"));
        let of = quote::literal(&quote::qualified(&table.schema, &table.name));
        let column = quote::literal(column);
        // It may have this name by now: where another has the usual one, Postgres counts on. And another that is to be
        // called otherwise may have it.
        let body = format!(
            " declare own text := pg_get_serial_sequence({of}, {column}); begin\n  \
               if to_regclass(own) is distinct from to_regclass({now}) then\n    \
                 if to_regclass({now}) is not null then\n      \
                   execute format('alter sequence %s rename to %I', {now}, 'aside_' || to_regclass({now})::oid);\n    \
                 end if;\n    \
                 execute format('alter sequence %s rename to %I', own, {new});\n  \
               end if;\nend ",
            now = quote::literal(&quoted),
            new = quote::literal(&name),
        );
        block.up(format!("do {}", quote::dollar(&body)));
        let body = format!(
            " begin execute format('alter sequence %s rename to %I', pg_get_serial_sequence({of}, {column}), {}); \
             exception when duplicate_table then null; end ",
            quote::literal(&usual),
        );
        block.down(format!("do {}", quote::dollar(&body)));
        block.provides(id.clone()).needs(table.id(), "an identity column of it makes the sequence").add(reader);
    }
    if reader.comment((class::CLASS, oid)).is_some() {
        let mut block = Block::new(format_smolstr!("comment on sequence {schema}.{name}"));
        block.said_of(reader, (class::CLASS, oid), &format!("sequence {quoted}"));
        block.needs(table.id(), "an identity column of it makes the sequence");
        block.needs(id, "it is said of this sequence").add(reader);
    }
}

/// As Postgres keeps them: all of them, whether or not someone said them.
struct Numbers {
    start: i64,
    increment: i64,
    min: i64,
    max: i64,
    cache: i64,
    cycle: bool,
}

impl Numbers {
    /// Those that are not what Postgres takes by itself.
    fn options(&self, ty: &str) -> SequenceOptions {
        let (lowest, highest) = match ty {
            "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
            "int" => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let up = self.increment > 0;
        let usual_min = if up { 1 } else { lowest };
        let usual_max = if up { highest } else { -1 };
        let usual_start = if up { self.min } else { self.max };
        let unusual = |value: i64, usual: i64| (value != usual).then_some(value);
        SequenceOptions {
            start: unusual(self.start, usual_start),
            increment: unusual(self.increment, 1),
            min: unusual(self.min, usual_min),
            max: unusual(self.max, usual_max),
            cache: unusual(self.cache, 1),
            cycle: self.cycle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unusual_numbers_are_said() {
        let plain = Numbers { start: 1, increment: 1, min: 1, max: i64::from(i32::MAX), cache: 1, cycle: false };
        assert_eq!(plain.options("int"), SequenceOptions::default());
        let down = Numbers { start: -1, increment: -1, min: i64::MIN, max: -1, cache: 1, cycle: false };
        assert_eq!(down.options("bigint"), SequenceOptions { increment: Some(-1), ..SequenceOptions::default() });
        let odd = Numbers { start: 7, increment: 2, min: 5, max: 99, cache: 1, cycle: true };
        let expected = SequenceOptions {
            start: Some(7),
            increment: Some(2),
            min: Some(5),
            max: Some(99),
            cache: None,
            cycle: true,
        };
        assert_eq!(odd.options("bigint"), expected);
    }
}
