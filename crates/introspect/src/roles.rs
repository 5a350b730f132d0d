//! Roles that something found refers to.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Entry, Kind, ObjectId, Role};
use specc_postgres::postgres::Row;
use specc_sql::quote;
use std::collections::BTreeSet;

const ROLES: &str = "select r.rolname::text, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, \
      r.rolreplication, r.rolbypassrls, r.rolconnlimit, to_char(r.rolvaliduntil, 'YYYY-MM-DD HH24:MI:SSOF'), \
      shobj_description(r.oid, 'pg_authid'), \
      (select array_agg(c order by c) from pg_db_role_setting s, unnest(s.setconfig) c where s.setrole = r.oid and s.setdatabase = 0) \
    from pg_roles r where r.rolname !~ '^pg_'";

const MEMBERS: &str = "select g.rolname::text, m.rolname::text, bool_or(a.admin_option) from pg_auth_members a \
    join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member group by 1, 2 order by 1, 2";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let rows = reader.query(ROLES, &[])?;
    let known: FxHashMap<SmolStr, &Row> = rows.iter().map(|row| (name(row, 0), row)).collect();
    let members: Vec<(SmolStr, SmolStr, bool)> =
        reader.query(MEMBERS, &[])?.iter().map(|row| (name(row, 0), name(row, 1), row.get(2))).collect();
    let owner = reader.role_name(reader.owners.owner);
    let ours = |name: &SmolStr| {
        known.get(name).is_some_and(|row| !row.get::<_, bool>(1))
            && *name != owner
            && !reader.owners.platform.contains(name)
    };
    let mut found: BTreeSet<SmolStr> = reader.mentioned.iter().filter(|name| ours(name)).cloned().collect();
    // What a role is a member of gives it rights too.
    let mut open: Vec<SmolStr> = found.iter().cloned().collect();
    while let Some(role) = open.pop() {
        for (group, _, _) in members.iter().filter(|(_, member, _)| *member == role) {
            if ours(group) && found.insert(group.clone()) {
                open.push(group.clone());
            }
        }
    }
    for role in &found {
        let Some(row) = known.get(role) else { continue };
        let groups = members.iter().filter(|(_, member, _)| member == role).map(|(group, ..)| group.clone());
        let mut entry = Entry::new(Role { name: role.clone(), options: options(row), member_of: groups.collect() });
        entry.comment = row.get::<_, Option<&str>>(10).map(Into::into);
        reader.push(entry);
        settings(reader, role, row.get(11));
    }
    for (group, member, admin) in members.iter().filter(|(group, ..)| found.contains(group)) {
        let listed = found.contains(member);
        let above = known.get(member).is_some_and(|row| row.get(1));
        // Who makes a role is a member of it from then on.
        if *member == owner || above || listed && !admin {
            continue;
        }
        let (group_ident, ident) = (quote::ident(group), quote::ident(member));
        let option = if *admin { " with admin option" } else { "" };
        let mut block = Block::new(format_smolstr!("membership of {member} in {group}"));
        block.up(format!("grant {group_ident} to {ident}{option}"));
        block.down(format!("revoke {group_ident} from {ident}"));
        block.needs(ObjectId::new(Kind::Role, "", group.clone()), "it is about this role");
        block.needs(ObjectId::new(Kind::Role, "", member.clone()), "it is about this role").add(reader);
    }
    Ok(())
}

/// What is not as Postgres makes a role by itself; sorted.
fn options(row: &Row) -> Vec<SmolStr> {
    let mut all: Vec<SmolStr> = Vec::new();
    let words = [(3, "createrole"), (4, "createdb"), (5, "login"), (6, "replication"), (7, "bypassrls")];
    all.extend(words.iter().filter(|(at, _)| row.get(*at)).map(|(_, word)| SmolStr::new_static(word)));
    if !row.get::<_, bool>(2) {
        all.push("noinherit".into());
    }
    let limit: i32 = row.get(8);
    if limit >= 0 {
        all.push(format_smolstr!("connection limit {limit}"));
    }
    if let Some(until) = row.get::<_, Option<&str>>(9) {
        all.push(format_smolstr!("valid until {}", quote::literal(until)));
    }
    all.sort();
    all
}

fn settings(reader: &mut CatalogReader<'_>, role: &SmolStr, settings: Option<Vec<&str>>) {
    for text in settings.into_iter().flatten() {
        let Some((setting, value)) = text.split_once('=') else { continue };
        let alter = format!("alter role {}", quote::ident(role));
        let mut block = Block::new(format_smolstr!("setting {setting} of role {role}"));
        // A list of names is quoted by Postgres already.
        let value = if setting == "search_path" { value.to_owned() } else { quote::literal(value) };
        block.up(format!("{alter} set {setting} = {value}")).down(format!("{alter} reset {setting}"));
        block.needs(ObjectId::new(Kind::Role, "", role.clone()), "it is said of this role").add(reader);
    }
}
