//! Foreign data wrappers and servers.

use super::identified;
use crate::Error;
use crate::acl::Given;
use crate::blocks::Block;
use crate::reader::{CatalogReader, maybe, name};
use crate::tables::options;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Kind, ObjectId};
use specc_sql::quote;

const WRAPPERS: &str = "select w.oid, nullif(w.fdwhandler, 0)::regproc::text, nullif(w.fdwvalidator, 0)::regproc::text, w.fdwoptions, \
      i.type, i.identity from pg_foreign_data_wrapper w, lateral pg_identify_object(2328, w.oid, 0) i";

pub(super) fn wrappers(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(WRAPPERS, &[])? {
        let address = (2328, row.get(0));
        if reader.members.contains_key(&address) {
            continue;
        }
        let (kind, identity): (SmolStr, SmolStr) = (name(&row, 4), name(&row, 5));
        let mut up = format!("create foreign data wrapper {identity}");
        for (word, at) in [("handler", 1), ("validator", 2)] {
            up.push_str(&maybe(&row, at).map(|function| format!(" {word} {function}")).unwrap_or_default());
        }
        up.push_str(&options(&row.get::<_, Option<Vec<String>>>(3).unwrap_or_default()));
        identified(reader, address, &kind, &identity, vec![up]).add(reader);
    }
    Ok(())
}

const SERVERS: &str = "select s.oid, s.srvname::text, w.fdwname::text, s.srvtype, s.srvversion, s.srvoptions, s.srvacl::text[], s.srvowner \
    from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw";

pub(super) fn servers(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(SERVERS, &[])? {
        let address = (1417, row.get(0));
        if reader.members.contains_key(&address) {
            continue;
        }
        let server = name(&row, 1);
        let ident = quote::ident(&server).into_owned();
        let mut up = format!("create server {ident}");
        for (word, at) in [("type", 3), ("version", 4)] {
            up.push_str(&maybe(&row, at).map(|text| format!(" {word} {}", quote::literal(&text))).unwrap_or_default());
        }
        up.push_str(&format!(" foreign data wrapper {}", quote::ident(row.get(2))));
        up.push_str(&options(&row.get::<_, Option<Vec<String>>>(5).unwrap_or_default()));
        let mut block = Block::new(format_smolstr!("server {server}"));
        block.up(up).down(format!("drop server {ident}"));
        block.said_of(reader, address, &format!("server {ident}"));
        let mut given = Given::default();
        given.add(&row.get::<_, Option<Vec<String>>>(6).unwrap_or_default(), &reader.role_name(row.get(7)), None);
        for (to, privileges) in given.finish() {
            let option = if privileges.iter().any(|p| p.grantable) { " with grant option" } else { "" };
            let role = if to == "public" { "public".into() } else { quote::ident(&to) };
            block.up(format!("grant usage on foreign server {ident} to {role}{option}"));
            block.needs(ObjectId::new(Kind::Role, "", to.clone()), "it is for this role");
            reader.mentioned.insert(to);
        }
        block.says(address).add(reader);
    }
    Ok(())
}

const MAPPINGS: &str = "select m.umid, case when m.umuser = 0 then '' else m.usename::text end, m.srvname::text, m.umoptions, \
      current_setting('is_superuser') = 'on' \
    from pg_user_mappings m order by 3, 2";

/// Who one is on another server. What may be a secret is not read: the mapping is said to be left out.
pub(super) fn mappings(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    const PLAIN: [&str; 4] = ["user", "username", "role", "password_required"];
    for row in reader.query(MAPPINGS, &[])? {
        let (address, user, server) = ((1418, row.get(0)), name(&row, 1), name(&row, 2));
        let given: Option<Vec<String>> = row.get(3);
        // None are shown to those who may not see them.
        let is_shown = given.is_some() || row.get(4);
        let given = given.unwrap_or_default();
        let who = if user.is_empty() { "public".into() } else { user.clone() };
        let title = format_smolstr!("user mapping for {who} on server {server}");
        let is_plain = |option: &String| option.split_once('=').is_some_and(|(key, _)| PLAIN.contains(&key));
        if !is_shown || !given.iter().all(is_plain) {
            reader.leave_out(title, "it can hold a password");
            continue;
        }
        let role = if user.is_empty() { "public".into() } else { quote::ident(&user) };
        let of = format!("user mapping for {role} server {}", quote::ident(&server));
        let mut block = Block::new(title);
        block.up(format!("create {of}{}", options(&given))).down(format!("drop {of}"));
        if !user.is_empty() {
            block.needs(ObjectId::new(Kind::Role, "", user.clone()), "it is for this role");
            reader.mentioned.insert(user);
        }
        block.says(address).add(reader);
    }
    Ok(())
}
