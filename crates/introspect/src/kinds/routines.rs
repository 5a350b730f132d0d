//! Aggregates, rules and event triggers.

use super::{function_id, identified};
use crate::Error;
use crate::blocks::Block;
use crate::functions::routine_access;
use crate::reader::{CatalogReader, class, letter, maybe, name};
use smol_str::{SmolStr, format_smolstr};
use specc_sql::quote;

const AGGREGATES: &str = "select p.oid, p.pronamespace, p.proowner, p.proname::text, pg_get_function_arguments(p.oid), \
      pg_get_function_identity_arguments(p.oid), p.proargtypes::oid[], p.proacl::text[], p.proparallel, a.aggkind, \
      a.aggtransfn::text, a.aggtranstype, a.aggtransspace, \
      nullif(a.aggfinalfn::oid, 0)::regproc::text, a.aggfinalextra, a.aggfinalmodify, \
      nullif(a.aggcombinefn::oid, 0)::regproc::text, nullif(a.aggserialfn::oid, 0)::regproc::text, \
      nullif(a.aggdeserialfn::oid, 0)::regproc::text, a.agginitval, \
      nullif(a.aggmtransfn::oid, 0)::regproc::text, nullif(a.aggminvtransfn::oid, 0)::regproc::text, a.aggmtranstype, \
      a.aggmtransspace, nullif(a.aggmfinalfn::oid, 0)::regproc::text, a.aggmfinalextra, a.aggmfinalmodify, a.aggminitval, \
      o.oprname::text, n.nspname::text \
    from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid \
    left join pg_operator o on o.oid = a.aggsortop left join pg_namespace n on n.oid = o.oprnamespace \
    where p.pronamespace = any ($1)";

pub(super) fn aggregates(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(AGGREGATES, &[&spaces])? {
        let (oid, schema, owner): (u32, u32, u32) = (row.get(0), row.get(1), row.get(2));
        if !reader.is_ours(schema, owner, (class::PROC, oid)) {
            continue;
        }
        let (schema, name) = (reader.schema_name(schema), name(&row, 3));
        let mut parts =
            vec![format!("sfunc = {}", row.get::<_, &str>(10)), format!("stype = {}", reader.types.sql(row.get(11)))];
        let usual_modify = if letter(&row, 9) == 'n' { 'r' } else { 'w' };
        let number = |parts: &mut Vec<String>, word: &str, at: usize| {
            let value: i32 = row.get(at);
            if value != 0 {
                parts.push(format!("{word} = {value}"));
            }
        };
        let word = |parts: &mut Vec<String>, word: &str, at: usize| {
            if let Some(value) = maybe(&row, at) {
                parts.push(format!("{word} = {value}"));
            }
        };
        let text = |parts: &mut Vec<String>, word: &str, at: usize| {
            if let Some(value) = maybe(&row, at) {
                parts.push(format!("{word} = {}", quote::literal(&value)));
            }
        };
        let final_function = |parts: &mut Vec<String>, prefix: &str, at: usize| {
            word(parts, &format!("{prefix}finalfunc"), at);
            if row.get(at + 1) {
                parts.push(format!("{prefix}finalfunc_extra"));
            }
            let modify = letter(&row, at + 2);
            if row.get::<_, Option<&str>>(at).is_some() && modify != usual_modify {
                let how = match modify {
                    'r' => "read_only",
                    's' => "shareable",
                    _ => "read_write",
                };
                parts.push(format!("{prefix}finalfunc_modify = {how}"));
            }
        };
        number(&mut parts, "sspace", 12);
        final_function(&mut parts, "", 13);
        word(&mut parts, "combinefunc", 16);
        word(&mut parts, "serialfunc", 17);
        word(&mut parts, "deserialfunc", 18);
        text(&mut parts, "initcond", 19);
        if row.get::<_, Option<&str>>(20).is_some() {
            word(&mut parts, "msfunc", 20);
            word(&mut parts, "minvfunc", 21);
            parts.push(format!("mstype = {}", reader.types.sql(row.get(22))));
            number(&mut parts, "msspace", 23);
            final_function(&mut parts, "m", 24);
            text(&mut parts, "minitcond", 27);
        }
        if let (Some(operator), Some(schema)) = (maybe(&row, 28), maybe(&row, 29)) {
            parts.push(format!("sortop = operator({}.{operator})", quote::ident(&schema)));
        }
        match letter(&row, 8) {
            's' => parts.push("parallel = safe".into()),
            'r' => parts.push("parallel = restricted".into()),
            _ => {}
        }
        if letter(&row, 9) == 'h' {
            parts.push("hypothetical".into());
        }
        let all = |at: usize| row.get::<_, Option<&str>>(at).filter(|text| !text.is_empty()).unwrap_or("*").to_owned();
        let quoted = quote::qualified(&schema, &name);
        let (arguments, identity) = (all(4), all(5));
        let mut block = Block::new(format_smolstr!("aggregate {schema}.{name}({identity})"));
        block.up(format!("create aggregate {quoted}({arguments}) (\n  {}\n)", parts.join(",\n  ")));
        let on = format!("aggregate {quoted}({identity})");
        block.down(format!("drop {on}")).said_of(reader, (class::PROC, oid), &on);
        // Rights to call it are said of a function, also where it is an aggregate, but its arguments have no order then.
        let inputs: Vec<u32> = row.get(6);
        let types: Vec<_> = inputs.iter().map(|&ty| reader.types.sql(ty)).collect();
        routine_access(reader, &mut block, &format!("function {quoted}({})", types.join(", ")), owner, row.get(7));
        let signature: Vec<_> = inputs.iter().map(|&ty| reader.types.data_type(ty, -1, None).to_string()).collect();
        block.provides(function_id(schema, name, signature.join(", ").into()));
        block.says((class::PROC, oid)).add(reader);
    }
    Ok(())
}

const RULES: &str = "select r.oid, r.ev_class, r.rulename::text, pg_get_ruledef(r.oid), r.ev_enabled from pg_rewrite r \
    where r.rulename <> '_RETURN' and r.oid >= 16384";

pub(super) fn rules(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(RULES, &[])? {
        let (oid, on): (u32, u32) = (row.get(0), row.get(1));
        let Some(relation) = reader.relations.get(&on).filter(|relation| relation.ours) else { continue };
        let (table, rule) = (relation.table(), name(&row, 2));
        let (quoted, ident) = (quote::qualified(&table.schema, &table.name), quote::ident(&rule));
        let mut block = Block::new(format_smolstr!("rule {rule} on {}.{}", table.schema, table.name));
        block.up(row.get::<_, &str>(3)).down(format!("drop rule {ident} on {quoted}"));
        let state = match letter(&row, 4) {
            'D' => Some("disable"),
            'R' => Some("enable replica"),
            'A' => Some("enable always"),
            _ => None,
        };
        if let Some(state) = state {
            block.up(format!("alter table {quoted} {state} rule {ident}"));
        }
        block.said_of(reader, (class::REWRITE, oid), &format!("rule {ident} on {quoted}"));
        if let Some(id) = reader.id_of((class::CLASS, on)) {
            block.needs(id, "it is a rule of this");
        }
        block.says((class::REWRITE, oid)).add(reader);
    }
    Ok(())
}

const EVENT_TRIGGERS: &str = "select t.oid, t.evtname::text, t.evtevent::text, t.evtenabled, t.evttags, p.pronamespace, p.proowner, \
      p.oid, t.evtfoid::regproc::text, i.type, i.identity \
    from pg_event_trigger t join pg_proc p on p.oid = t.evtfoid, lateral pg_identify_object(3466, t.oid, 0) i";

pub(super) fn event_triggers(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(EVENT_TRIGGERS, &[])? {
        let oid: u32 = row.get(0);
        let runs_ours = reader.is_ours(row.get(5), row.get(6), (class::PROC, row.get(7)));
        if !runs_ours || reader.members.contains_key(&(3466, oid)) {
            continue;
        }
        let ident = quote::ident(row.get(1)).into_owned();
        let tags: Option<Vec<&str>> = row.get(4);
        let tags: Vec<_> = tags.into_iter().flatten().map(quote::literal).collect();
        let when = if tags.is_empty() { String::new() } else { format!(" when tag in ({})", tags.join(", ")) };
        let mut ups = vec![format!(
            "create event trigger {ident} on {}{when} execute function {}()",
            row.get::<_, &str>(2),
            row.get::<_, &str>(8)
        )];
        let state = match letter(&row, 3) {
            'D' => Some("disable"),
            'R' => Some("enable replica"),
            'A' => Some("enable always"),
            _ => None,
        };
        ups.extend(state.map(|state| format!("alter event trigger {ident} {state}")));
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 9), name(&row, 10));
        identified(reader, (3466, oid), &kind, &identity, ups).add(reader);
    }
    Ok(())
}
