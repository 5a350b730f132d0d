//! Operators, operator classes and casts.

use super::identified;
use crate::Error;
use crate::reader::{Address, Cast, CatalogReader, class, letter, maybe, name};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Kind, ObjectId};
use specc_sql::quote;

const OPERATORS: &str = "select o.oid, o.oprnamespace, o.oprowner, o.oprname::text, o.oprleft, o.oprright, \
      nullif(o.oprcode::oid, 0)::regproc::text, c.oprname::text, cn.nspname::text, g.oprname::text, gn.nspname::text, \
      nullif(o.oprrest::oid, 0)::regproc::text, nullif(o.oprjoin::oid, 0)::regproc::text, o.oprcanmerge, o.oprcanhash, \
      i.type, i.identity \
    from pg_operator o left join pg_operator c on c.oid = o.oprcom left join pg_namespace cn on cn.oid = c.oprnamespace \
    left join pg_operator g on g.oid = o.oprnegate left join pg_namespace gn on gn.oid = g.oprnamespace, \
    lateral pg_identify_object(2617, o.oid, 0) i \
    where o.oprnamespace = any ($1) and o.oprcode <> 0";

pub(super) fn operators(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(OPERATORS, &[&spaces])? {
        let (oid, schema): (u32, u32) = (row.get(0), row.get(1));
        if !reader.is_ours(schema, row.get(2), (class::OPERATOR, oid)) {
            continue;
        }
        let mut parts = vec![format!("function = {}", row.get::<_, &str>(6))];
        for (word, at) in [("leftarg", 4), ("rightarg", 5)] {
            let ty: u32 = row.get(at);
            if ty != 0 {
                parts.push(format!("{word} = {}", reader.types.sql(ty)));
            }
        }
        for (word, at) in [("commutator", 7), ("negator", 9)] {
            if let (Some(operator), Some(schema)) = (maybe(&row, at), maybe(&row, at + 1)) {
                parts.push(format!("{word} = operator({}.{operator})", quote::ident(&schema)));
            }
        }
        for (word, at) in [("restrict", 11), ("join", 12)] {
            parts.extend(maybe(&row, at).map(|function| format!("{word} = {function}")));
        }
        for (word, at) in [("merges", 13), ("hashes", 14)] {
            if row.get(at) {
                parts.push(word.into());
            }
        }
        let place = quote::ident(&reader.schema_name(schema)).into_owned();
        let up = format!("create operator {place}.{} (\n  {}\n)", row.get::<_, &str>(3), parts.join(",\n  "));
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 15), name(&row, 16));
        identified(reader, (class::OPERATOR, oid), &kind, &identity, vec![up]).add(reader);
    }
    Ok(())
}

const CLASSES: &str = "select c.oid, c.opcnamespace, c.opcowner, c.opcname::text, c.opcdefault, c.opcintype, c.opckeytype, am.amname::text, \
      f.oid, f.opfname::text, f.opfnamespace, i.type, i.identity \
    from pg_opclass c join pg_am am on am.oid = c.opcmethod join pg_opfamily f on f.oid = c.opcfamily, \
    lateral pg_identify_object(2616, c.oid, 0) i where c.opcnamespace = any ($1)";

const MEMBERS: &str = "select amopfamily, amoplefttype, amoprighttype, 2617, amopopr, \
      'operator ' || amopstrategy || ' ' || amopopr::regoperator::text \
        || case when amoppurpose = 'o' then ' for order by ' || (select i.identity from pg_identify_object(2753, amopsortfamily, 0) i) else '' end \
    from pg_amop where amopfamily >= 16384 \
    union all select amprocfamily, amproclefttype, amprocrighttype, 1255, amproc::oid, \
      'function ' || amprocnum || ' (' || format_type(amproclefttype, null) || ', ' || format_type(amprocrighttype, null) || ') ' \
        || amproc::regprocedure::text \
    from pg_amproc where amprocfamily >= 16384 order by 6";

/// An operator or a function of a family.
struct Member {
    left: u32,
    right: u32,
    is: Address,
    text: String,
}

pub(super) fn classes(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    let rows = reader.query(CLASSES, &[&spaces])?;
    let mut members: FxHashMap<u32, Vec<Member>> = FxHashMap::default();
    if !rows.is_empty() {
        for row in reader.query(MEMBERS, &[])? {
            let is = (row.get::<_, i32>(3).unsigned_abs(), row.get(4));
            let member = Member { left: row.get(1), right: row.get(2), is, text: row.get(5) };
            members.entry(row.get(0)).or_default().push(member);
        }
    }
    for row in rows {
        let (oid, schema): (u32, u32) = (row.get(0), row.get(1));
        if !reader.is_ours(schema, row.get(2), (class::OPCLASS, oid)) {
            continue;
        }
        let (input, keeps, family): (u32, u32, u32) = (row.get(5), row.get(6), row.get(8));
        let mut parts: Vec<String> = Vec::new();
        let mut needs: Vec<ObjectId> = Vec::new();
        for Member { left, right, is, text } in members.get(&family).into_iter().flatten() {
            if *left == input && *right == input {
                parts.push(text.clone());
                needs.extend(reader.id_of(*is));
            } else {
                reader.leave_out(format!("{text} of operator family {}", row.get::<_, &str>(9)), "it is between types");
            }
        }
        if keeps != 0 || parts.is_empty() {
            parts.push(format!("storage {}", reader.types.sql(if keeps == 0 { input } else { keeps })));
        }
        let own_name = name(&row, 3);
        let mut head = format!("create operator class {}", quote::qualified(&reader.schema_name(schema), &own_name));
        head.push_str(if row.get(4) { " default" } else { "" });
        head.push_str(&format!(" for type {} using {}", reader.types.sql(input), quote::ident(row.get(7))));
        let mut ups = Vec::new();
        let family_name = quote::qualified(&reader.schema_name(row.get(10)), row.get(9));
        // A family of the same name is made with the class.
        let same = row.get::<_, &str>(9) == own_name.as_str() && row.get::<_, u32>(10) == schema;
        if !same {
            if !reader.found.contains_key(&(class::OPFAMILY, family)) && family >= 16384 {
                ups.push(format!("create operator family {family_name} using {}", quote::ident(row.get(7))));
            }
            head.push_str(&format!(" family {family_name}"));
        }
        ups.push(format!("{head} as\n  {}", parts.join(",\n  ")));
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 11), name(&row, 12));
        let id = ObjectId::new(Kind::Sql, reader.schema_name(schema), own_name).part("operator class");
        let mut block = identified(reader, (class::OPCLASS, oid), &kind, &identity, ups);
        block.provides(id);
        for on in needs {
            block.needs(on, "it is a member of the class");
        }
        block.add(reader);
        if let Some(&slot) = reader.found.get(&(class::OPCLASS, oid)) {
            reader.found.entry((class::OPFAMILY, family)).or_insert(slot);
            // Dropped with its class, for nothing else is in it.
            let drop = format!("drop operator family {family_name} using {};", quote::ident(row.get(7)));
            if let specc_catalog::Object::Sql(block) = &mut reader.entries[slot.0].object {
                block.down = Some(drop.into());
            }
        }
    }
    Ok(())
}

const CASTS: &str = "select c.oid, nullif(c.castfunc, 0)::regprocedure::text, c.castcontext, c.castmethod, i.type, i.identity, \
      c.castfunc, c.castsource, c.casttarget \
    from pg_cast c, lateral pg_identify_object(2605, c.oid, 0) i where c.oid >= 16384";

pub(super) fn casts(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(CASTS, &[])? {
        let oid: u32 = row.get(0);
        let address = (class::CAST, oid);
        if reader.members.contains_key(&address) || reader.internal.contains(&address) {
            continue;
        }
        let how = match (letter(&row, 3), maybe(&row, 1)) {
            ('f', Some(function)) => format!("with function {function}"),
            ('i', _) => "with inout".into(),
            _ => "without function".into(),
        };
        let when = match letter(&row, 2) {
            'a' => " as assignment",
            'i' => " as implicit",
            _ => "",
        };
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 4), name(&row, 5));
        let up = format!("create cast {identity} {how}{when}");
        let slot = identified(reader, address, &kind, &identity, vec![up]).add(reader);
        let function: u32 = row.get(6);
        let ends = [row.get(7), row.get(8)];
        reader.casts.push(Cast { slot, function: (function != 0).then_some(function), ends });
    }
    Ok(())
}
