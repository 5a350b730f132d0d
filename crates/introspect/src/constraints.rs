//! Constraints of tables.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, Slot, class, letter, maybe, name};
use crate::text::bare;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Action, Constraint, ForeignKey, Kind, Object, Rule, SqlExpr, TableName};
use specc_postgres::postgres::Row;
use specc_sql::quote;

/// Those of partitions and heirs that come from above are left to what is above. Only newer servers have
/// constraints that are not enforced, or over a period.
fn constraints(version: u32) -> String {
    let newer = if version >= 180_000 { "k.conenforced, k.conperiod" } else { "true, false" };
    format!(
        "select k.oid, k.conname::text, k.contype, k.conrelid, k.condeferrable, k.condeferred, k.convalidated, k.conkey, \
           k.confrelid, k.confkey, k.confupdtype, k.confdeltype, k.confmatchtype, k.confdelsetcols, k.connoinherit, k.conindid, \
           case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end, \
           case when k.contype = 'x' then array(select o.oprname::text \
             from unnest(k.conexclop) with ordinality x (oid, n) join pg_operator o on o.oid = x.oid order by x.n) end, \
           case when k.contype = 'x' then array(select n.nspname::text \
             from unnest(k.conexclop) with ordinality x (oid, n) join pg_operator o on o.oid = x.oid \
             join pg_namespace n on n.oid = o.oprnamespace order by x.n) end, \
           {newer} \
         from pg_constraint k join pg_class c on c.oid = k.conrelid \
         where c.relnamespace = any ($1) and c.relpersistence <> 't' and k.contype in ('c', 'f', 'p', 'u', 'x') \
           and k.conparentid = 0 and k.coninhcount = 0"
    )
}

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    let sql = constraints(reader.version);
    let mut odd: Vec<(u32, TableName, SmolStr)> = Vec::new();
    // Each reference with the index of the key that it points to.
    let mut pointing: Vec<(Slot, u32)> = Vec::new();
    for row in reader.query(&sql, &[&spaces])? {
        let Some(relation) = reader.relations.get(&row.get(3)).filter(|relation| relation.ours) else { continue };
        let (oid, table, index) = (row.get::<_, u32>(0), relation.table(), row.get::<_, u32>(15));
        let name = name(&row, 1);
        let (enforced, period): (bool, bool) = (row.get(19), row.get(20));
        let Some(rule) = rule(reader, &row).filter(|_| enforced && !period) else {
            odd.push((oid, table, name));
            continue;
        };
        let object = Constraint {
            table,
            name,
            rule,
            deferrable: row.get(4),
            initially_deferred: row.get(5),
            not_valid: !row.get::<_, bool>(6),
        };
        let keyed = !matches!(object.rule, Rule::Check { .. } | Rule::ForeignKey(_));
        let slot = reader.add((class::CONSTRAINT, oid), object);
        if matches!(reader.entries[slot.0].object, Object::Constraint(Constraint { rule: Rule::ForeignKey(_), .. })) {
            pointing.push((slot, index));
        }
        if keyed {
            // What the keys of an exclusion need is kept with its index.
            reader.found.insert((class::CLASS, index), slot);
        }
    }
    blocks(reader, odd, &mut pointing)?;
    // A key that a block makes is not seen by its columns.
    for (slot, index) in pointing {
        let Some(id) = reader.id_of((class::CLASS, index)) else { continue };
        if id.kind == Kind::Sql {
            reader.need(slot, id, "its key is what the reference points to");
        }
    }
    Ok(())
}

fn rule(reader: &CatalogReader<'_>, row: &Row) -> Option<Rule> {
    let relation = reader.relations.get(&row.get(3))?;
    let columns = |at: usize| relation.names(&row.get::<_, Option<Vec<i16>>>(at).unwrap_or_default());
    let index = reader.constraint_indexes.get(&row.get(15));
    Some(match letter(row, 2) {
        'c' => {
            let mut columns = columns(7);
            columns.sort();
            columns.dedup();
            columns.retain(|column| !column.is_empty());
            let expr = SqlExpr { text: bare(row.get(16)).into(), columns };
            Rule::Check { expr, no_inherit: row.get(14) }
        }
        'p' => {
            let index = index.filter(|index| index.plain)?;
            Rule::PrimaryKey { columns: columns(7), include: index.include.clone() }
        }
        'u' => {
            let index = index.filter(|index| index.plain)?;
            Rule::Unique {
                columns: columns(7),
                include: index.include.clone(),
                nulls_not_distinct: index.nulls_not_distinct,
            }
        }
        'x' => {
            let index = index.filter(|index| index.include.is_empty() && !index.optioned)?;
            let (operators, schemas): (Vec<&str>, Vec<&str>) = (row.get(17), row.get(18));
            let operators = operators.iter().zip(schemas).map(|(operator, schema)| match schema {
                "pg_catalog" => SmolStr::from(*operator),
                schema => format_smolstr!("operator({}.{operator})", quote::ident(schema)),
            });
            let elements = index.keys.iter().cloned().zip(operators).collect();
            Rule::Exclude { method: index.method.clone(), elements, filter: index.filter.clone() }
        }
        _ => {
            let target = reader.relations.get(&row.get(8))?;
            let numbers = |at: usize| row.get::<_, Option<Vec<i16>>>(at).unwrap_or_default();
            let mut on_delete_columns = relation.names(&numbers(13));
            on_delete_columns.sort();
            Rule::ForeignKey(ForeignKey {
                columns: columns(7),
                target: target.table(),
                target_columns: target.names(&numbers(9)),
                on_delete: action(letter(row, 11)),
                on_delete_columns,
                on_update: action(letter(row, 10)),
                match_full: letter(row, 12) == 'f',
            })
        }
    })
}

fn action(letter: char) -> Action {
    match letter {
        'r' => Action::Restrict,
        'c' => Action::Cascade,
        'n' => Action::SetNull,
        'd' => Action::SetDefault,
        _ => Action::NoAction,
    }
}

const DEFINITIONS: &str = "select k.oid, pg_get_constraintdef(k.oid), k.confrelid, k.conindid, k.contype \
    from pg_constraint k where k.oid = any ($1)";

/// Constraints that the catalog has no words for: over a period, not enforced, over keys in an order of their own.
fn blocks(
    reader: &mut CatalogReader<'_>,
    odd: Vec<(u32, TableName, SmolStr)>,
    pointing: &mut Vec<(Slot, u32)>,
) -> Result<(), Error> {
    if odd.is_empty() {
        return Ok(());
    }
    let numbers: Vec<u32> = odd.iter().map(|(oid, ..)| *oid).collect();
    let rows = reader.query(DEFINITIONS, &[&numbers])?;
    for (oid, table, name) in odd {
        let Some(row) = rows.iter().find(|row| row.get::<_, u32>(0) == oid) else { continue };
        let Some(definition) = maybe(row, 1) else { continue };
        let (quoted, ident) = (quote::qualified(&table.schema, &table.name), quote::ident(&name));
        let mut block = Block::new(format_smolstr!("constraint {name} on {}.{}", table.schema, table.name));
        block.up(format!("alter table {quoted} add constraint {ident} {definition}"));
        block.down(format!("alter table {quoted} drop constraint {ident}"));
        block.said_of(reader, (class::CONSTRAINT, oid), &format!("constraint {ident} on {quoted}"));
        block.provides(table.part(Kind::Constraint, name.clone()));
        block.needs(table.id(), "it is a constraint of this table");
        if let Some(target) = reader.relations.get(&row.get(2)).map(|target| target.table().id()) {
            block.needs(target, "it refers to this table");
        }
        let (index, reference): (u32, bool) = (row.get(3), letter(row, 4) == 'f');
        let slot = block.says((class::CONSTRAINT, oid)).add(reader);
        if reference {
            pointing.push((slot, index));
        } else {
            reader.found.insert((class::CLASS, index), slot);
        }
    }
    Ok(())
}
