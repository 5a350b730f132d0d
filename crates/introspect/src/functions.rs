//! Functions and procedures.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, letter, maybe, name};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use specc_catalog::{Body, Function, Kind, ObjectId, Param, Returns, SqlExpr, Volatility};
use specc_postgres::postgres::Row;
use specc_sql::quote;

const FUNCTIONS: &str = "select p.oid, p.pronamespace, p.proowner, p.proname::text, p.prokind, l.lanname::text, p.proretset, \
      p.prorettype, p.proargtypes::oid[], p.proallargtypes, p.proargmodes, p.proargnames, \
      case when p.pronargdefaults > 0 then array(select pg_get_function_arg_default(p.oid, n) \
        from generate_series(1, coalesce(cardinality(p.proallargtypes), p.pronargs::int)) n order by n) end, \
      p.provolatile, p.proisstrict, p.proparallel, p.proleakproof, p.prosecdef, p.procost, p.prorows, p.proconfig, \
      case when p.prosqlbody is not null then pg_get_function_sqlbody(p.oid) else p.prosrc end, p.prosqlbody is not null, \
      p.prosupport <> 0 or p.protrftypes is not null, \
      case when p.prokind = 'w' or l.lanname in ('c', 'internal') or p.prosupport <> 0 or p.protrftypes is not null \
        then pg_get_functiondef(p.oid) end, \
      p.proacl::text[] \
    from pg_proc p join pg_language l on l.oid = p.prolang \
    where p.pronamespace = any ($1) and p.prokind in ('f', 'p', 'w')";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let spaces = reader.spaces.clone();
    for row in reader.query(FUNCTIONS, &[&spaces])? {
        let (oid, schema, owner): (u32, u32, u32) = (row.get(0), row.get(1), row.get(2));
        if !reader.is_ours(schema, owner, (class::PROC, oid)) {
            continue;
        }
        let function = function(reader, &row);
        let acl: Option<Vec<String>> = row.get(25);
        match maybe(&row, 24) {
            Some(definition) => whole(reader, oid, owner, &function, &definition, acl),
            None => {
                let slot = reader.add((class::PROC, oid), function);
                reader.routine_access.push((slot, owner, acl));
            }
        }
    }
    Ok(())
}

fn function(reader: &CatalogReader<'_>, row: &Row) -> Function {
    let procedure = letter(row, 4) == 'p';
    let (params, columns) = params(reader, row);
    let returned: u32 = row.get(7);
    let set: bool = row.get(6);
    let has_out = params.iter().any(|param| param.mode == "out" || param.mode == "inout");
    let returns = if procedure {
        None
    } else if !columns.is_empty() {
        Some(Returns::Table(columns))
    } else if set {
        Some(Returns::SetOf(reader.types.data_type(returned, -1, None)))
    } else if has_out {
        None
    } else {
        Some(Returns::Type(reader.types.data_type(returned, -1, None)))
    };
    let language = name(row, 5);
    let usual_cost = if matches!(language.as_str(), "c" | "internal") { 1.0 } else { 100.0 };
    let usual_rows = if set { 1000.0 } else { 0.0 };
    let unusual = |value: f32, usual: f32| (value != usual).then(|| value.to_smolstr());
    let text: &str = row.get::<_, Option<&str>>(21).unwrap_or_default();
    Function {
        schema: reader.schema_name(row.get(1)),
        name: name(row, 3),
        procedure,
        params,
        returns,
        body: if row.get(22) { Body::Atomic(atomic(text)) } else { Body::written(text) },
        volatility: match letter(row, 13) {
            'i' => Volatility::Immutable,
            's' => Volatility::Stable,
            _ => Volatility::Volatile,
        },
        strict: row.get(14),
        parallel: match letter(row, 15) {
            's' => Some("safe".into()),
            'r' => Some("restricted".into()),
            _ => None,
        },
        leakproof: row.get(16),
        security_definer: row.get(17),
        cost: unusual(row.get(18), usual_cost),
        rows: unusual(row.get(19), usual_rows),
        settings: settings(row.get(20)),
        language,
    }
}

/// What is between `BEGIN ATOMIC` and `END`, or the one `RETURN`.
fn atomic(text: &str) -> SmolStr {
    let inner = text.trim().strip_prefix("BEGIN ATOMIC").and_then(|rest| rest.strip_suffix("END"));
    inner.unwrap_or(text).trim().trim_end_matches(';').trim_end().into()
}

/// Parameters, and the columns of `returns table`.
fn params(reader: &CatalogReader<'_>, row: &Row) -> (Vec<Param>, Vec<(SmolStr, specc_catalog::DataType)>) {
    let inputs: Vec<u32> = row.get(8);
    let all: Option<Vec<u32>> = row.get(9);
    let modes: Option<Vec<i8>> = row.get(10);
    let names: Option<Vec<&str>> = row.get(11);
    let defaults: Option<Vec<Option<&str>>> = row.get(12);
    let types = all.unwrap_or(inputs);
    let (mut params, mut columns) = (Vec::new(), Vec::new());
    for (n, ty) in types.iter().enumerate() {
        let name = names.as_ref().and_then(|names| names.get(n)).map_or(SmolStr::default(), |name| (*name).into());
        let ty = reader.types.data_type(*ty, -1, None);
        let mode = match modes.as_ref().and_then(|modes| modes.get(n)).map(|&mode| mode as u8) {
            Some(b't') => {
                columns.push((name, ty));
                continue;
            }
            Some(b'o') => "out",
            Some(b'b') => "inout",
            Some(b'v') => "variadic",
            _ => "in",
        };
        let default = defaults.as_ref().and_then(|defaults| defaults.get(n).copied().flatten());
        params.push(Param { mode: mode.into(), name, ty, default: default.map(SqlExpr::new) });
    }
    (params, columns)
}

/// `name=value`, sorted by name.
fn settings(all: Option<Vec<&str>>) -> Vec<(SmolStr, SmolStr)> {
    let one = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        // Names in quotes where we put them; the server has other words to be careful with.
        let value = match (value, specc_facts::is_list_setting(name)) {
            ("\"\"", _) => SmolStr::default(),
            (list, true) => quote::list(specc_facts::listed_names(list)).into(),
            (value, false) => SmolStr::from(value),
        };
        (SmolStr::from(name), value)
    };
    let mut all: Vec<_> = all.into_iter().flatten().map(one).collect();
    all.sort();
    all
}

/// What only Postgres's own definition says: window functions, functions in C, with support functions or transforms.
fn whole(
    reader: &mut CatalogReader<'_>,
    oid: u32,
    owner: u32,
    function: &Function,
    definition: &str,
    acl: Option<Vec<String>>,
) {
    let id = ObjectId::new(Kind::Function, function.schema.clone(), function.name.clone()).part(function.signature());
    let mut on = String::from("function ");
    specc_sql::push_routine(&mut on, function);
    let mut block = Block::new(format_smolstr!("function {}.{}({})", id.schema, id.name, id.part));
    block.up(definition.replacen("CREATE OR REPLACE FUNCTION", "create function", 1)).down(format!("drop {on}"));
    block.said_of(reader, (class::PROC, oid), &on);
    routine_access(reader, &mut block, &on, owner, acl);
    block.provides(id).says((class::PROC, oid)).add(reader);
}

/// The right to call a routine that a block makes.
pub(crate) fn routine_access(
    reader: &mut CatalogReader<'_>,
    block: &mut Block,
    on: &str,
    owner: u32,
    acl: Option<Vec<String>>,
) {
    let Some(acl) = acl else { return };
    let mut given = crate::acl::Given::default();
    given.add(&acl, &reader.role_name(owner), None);
    if !given.take("public", "execute") {
        block.up(format!("revoke execute on {on} from public"));
    }
    for (grantee, privileges) in given.finish() {
        let option = if privileges.iter().any(|privilege| privilege.grantable) { " with grant option" } else { "" };
        let to = if grantee == "public" { "public".into() } else { quote::ident(&grantee) };
        block.up(format!("grant execute on {on} to {to}{option}"));
        block.needs(ObjectId::new(Kind::Role, "", grantee.clone()), "it may be called by this role");
        reader.mentioned.insert(grantee);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_taken_out_of_their_frame() {
        assert_eq!(atomic("BEGIN ATOMIC\n SELECT 1;\n SELECT 2;\nEND"), "SELECT 1;\n SELECT 2");
        assert_eq!(atomic("RETURN (a + 1)"), "RETURN (a + 1)");
    }

    #[test]
    fn an_empty_search_path_is_empty() {
        let path = "search_path".into();
        assert_eq!(
            settings(Some(vec!["work_mem=1MB", "search_path=\"\""])),
            [(path, "".into()), ("work_mem".into(), "1MB".into())]
        );
    }
}
